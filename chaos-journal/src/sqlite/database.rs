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

/// How often it is tried to copy the log into the file, and the pause between. Those who read an older state and those
/// who copy at the same time keep it from completing. Together short, so that a monkey that waits for its journal for
/// 15 s learns why.
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

/// Connects to a file that [`locate`](super::location::locate) returned, once it is proven to be a journal that this
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
        // What SQLite has made or found beside it since.
        ownership::claim(path)?;
        let files = Files::at(path)?;
        if files.is_same_database(before) { Ok(files) } else { Err(identity::moved(path)) }
    };
    match opened.await {
        Ok(files) => Ok(Database { connection, files, is_read_only }),
        Err(error) => {
            // Waits until SQLite has removed its log and its index again. What was wrong before matters more than
            // whether this works.
            let _ = connection.close().await;
            Err(error)
        }
    }
}

/// Reads the header without any lock, log or index, so that a file that is not ours stays as it is to the last byte.
///
/// Through SQLite and not through a file of our own: closing that would drop the locks that another connection of this
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
            Err(schema::not_a_journal(path, "it is no SQLite database").caused_by(error))
        }
        // A file that grows at this very moment looks truncated without a lock. The look under a lock decides.
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

/// Copies what is committed from the log into the file, durably, and says whether all of it is there in the end.
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

/// Copies what can be copied now.
pub(super) async fn checkpoint_once(connection: &mut SqliteConnection, path: &Path) -> Result<bool> {
    // PASSIVE keeps nobody else waiting, and leaves the log its size: that is space that a full disk cannot take.
    let (is_busy, logged, copied): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)")
        .fetch_one(connection)
        .await
        .map_err(error::of_database(path, "put what was recorded into its file"))?;
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

/// Where nothing can be written, SQLite cannot make the index of a log. Without a log there is nothing to index; one
/// without an index is nobody's who is alive, so that it can be read without locks and indexed in memory.
fn read_only_options(path: &Path) -> SqliteConnectOptions {
    let options = options(path).read_only(true);
    let has_log = fs::metadata(identity::log_of(path)).is_ok_and(|log| log.len() > 0);
    match (has_log, identity::index_of(path).exists()) {
        (false, _) => options.immutable(true),
        (true, true) => options,
        (true, false) => options.vfs(WITHOUT_LOCKS).locking_mode(SqliteLockingMode::Exclusive),
    }
}
