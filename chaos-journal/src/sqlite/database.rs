use std::{fs, path::Path, time::Duration};

use chaos_core::{
    Result,
    clock::{Clock, SystemClock},
};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteLockingMode},
};

use super::{
    error,
    identity::{self, Files},
    ownership, schema,
};

/// How long a call waits for another process that writes. A transaction of a journal takes milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How often to try to copy the log into the file, and the pause between tries. Readers of an older state, and other
/// processes that copy at the same time, keep it from completing. The total is short, so that a monkey that waits for
/// its journal for 15 s gets the reason.
const CHECKPOINTS: usize = 300;
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(10);

/// SQLite's name for files without locks.
const WITHOUT_LOCKS: &str = if cfg!(windows) { "win32-none" } else { "unix-none" };

/// A journal's open file.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: SqliteConnection,
    pub(super) files: Files,
    /// Nothing can be recorded.
    pub(super) is_read_only: bool,
}

/// Connects to a file that [`locate`](super::location::locate) returned, after a proof that it is a journal that this
/// library may touch.
pub(super) async fn connect(path: &Path) -> Result<Database> {
    let before = Files::at(path)?;
    let is_read_only = ownership::is_on_read_only_mount(path)?;
    if !is_read_only {
        ownership::occupy(path)?;
    }
    examine_untouched(path).await?;
    let options = if is_read_only { read_only_options(path) } else { options(path) };
    let mut connection = options.connect().await.map_err(error::of_database(path, "open its file"))?;
    let opened = async {
        set_up(&mut connection, path, is_read_only).await?;
        // The files that SQLite has created or found beside it since.
        ownership::claim(path)?;
        let files = Files::at(path)?;
        if files.is_same_database(before) { Ok(files) } else { Err(identity::moved(path)) }
    };
    match opened.await {
        Ok(files) => Ok(Database { connection, files, is_read_only }),
        Err(error) => {
            // Waits until SQLite has removed its log and its index again. The earlier error matters more than the
            // success of this.
            let _ = connection.close().await;
            Err(error)
        }
    }
}

/// Reads the header without any lock, log or index, so that a foreign file stays unchanged to the last byte.
///
/// Through SQLite, not through a file of our own: closing that would drop the locks that another connection of this
/// process holds on the same file (<https://www.sqlite.org/howtocorrupt.html>, section 2.2).
async fn examine_untouched(path: &Path) -> Result<()> {
    let doing = "read its header";
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(true)
        .disable_statement_logging()
        .connect()
        .await
        .map_err(error::of_database(path, doing))?;
    let identity = schema::Identity::read(&mut connection).await;
    connection.close().await.map_err(error::of_database(path, doing))?;
    match identity {
        Ok(identity) => identity.check(path),
        Err(error) if error::primary_code(&error) == Some(error::NOT_A_DATABASE) => {
            Err(schema::not_a_journal(path, "it is not a SQLite database").caused_by(error))
        }
        // Without a lock, a file that grows at this very moment looks truncated. The look with a lock decides.
        Err(error) if error::primary_code(&error) == Some(error::CORRUPT) => Ok(()),
        Err(error) => Err(error::of_database(path, doing)(error)),
    }
}

async fn set_up(connection: &mut SqliteConnection, path: &Path, is_read_only: bool) -> Result<()> {
    schema::Identity::read(connection)
        .await
        .map_err(error::of_database(path, "read its header"))?
        .check(path)?;
    schema::check_structure(connection, path).await?;
    if is_read_only {
        return Ok(());
    }
    // Not among the options: there they would run before the file is known to be ours.
    sqlx::raw_sql("PRAGMA synchronous = FULL; PRAGMA cache_size = -512")
        .execute(&mut *connection)
        .await
        .map_err(error::of_database(path, "set up its connection"))?;
    schema::migrate(connection, path, schema::MIGRATIONS).await
}

/// Copies committed data from the log into the file, durably. Returns whether all of it is there in the end.
pub(super) async fn checkpoint(connection: &mut SqliteConnection, path: &Path) -> Result<bool> {
    for number in 0..CHECKPOINTS {
        if number > 0 {
            SystemClock::default().sleep(CHECKPOINT_PAUSE).await;
        }
        if checkpoint_once(connection, path).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Copies the part of the log that can be copied now.
pub(super) async fn checkpoint_once(connection: &mut SqliteConnection, path: &Path) -> Result<bool> {
    // PASSIVE blocks no other process, and keeps the size of the log: a full disk cannot take that space away.
    let (is_busy, logged, copied): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)")
        .fetch_one(connection)
        .await
        .map_err(error::of_database(path, "write its log into its file"))?;
    Ok(is_busy == 0 && logged == copied)
}

pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(24)
        .disable_statement_logging()
}

/// On a read-only file system, SQLite cannot create the index of a log. Without a log, there is nothing to index. A log
/// without an index has no live user, so it can be read without locks and indexed in memory.
fn read_only_options(path: &Path) -> SqliteConnectOptions {
    let options = options(path).read_only(true);
    let has_log = fs::metadata(identity::log_of(path)).is_ok_and(|log| log.len() > 0);
    match (has_log, identity::index_of(path).exists()) {
        (false, _) => options.immutable(true),
        (true, true) => options,
        (true, false) => options.vfs(WITHOUT_LOCKS).locking_mode(SqliteLockingMode::Exclusive),
    }
}
