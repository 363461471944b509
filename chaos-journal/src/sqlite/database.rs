use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use chaos_core::{Entropy, Error, ErrorKind, Result};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{error, schema};

/// How long a call waits for another process that writes. A transaction of a journal takes milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a name is drawn that turns out to be taken.
const DRAWS: usize = 16;

/// Finds or creates the file, and returns the one path by which all processes know it.
pub(super) async fn locate(path: &Path, create: bool, entropy: &dyn Entropy) -> Result<PathBuf> {
    if path.to_str().is_none() {
        return Err(Error::invalid("journal path", path.display(), "a path in UTF-8"));
    }
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && create => {
            create_file(path, entropy).await?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::new(ErrorKind::NotFound, "the journal does not exist")
                .with("journal", path.display())
                .caused_by(error));
        }
        Err(error) => return Err(error::of_file(path, "look at its file")(error)),
        Ok(found) if found.is_dir() => {
            return Err(schema::not_a_journal(path, "it is a directory"));
        }
        Ok(found) if !found.is_file() => {
            return Err(schema::not_a_journal(path, "it is no regular file"));
        }
        Ok(found) if found.len() == 0 => {
            return Err(schema::not_a_journal(path, "it is empty"));
        }
        Ok(_) => {}
    }
    fs::canonicalize(path).map_err(error::of_file(path, "look at its file"))
}

/// Connects to a file that [`locate`] returned, once it is proven to be a journal that this library may touch.
pub(super) async fn connect(path: &Path) -> Result<SqliteConnection> {
    examine_untouched(path).await?;
    let mut connection = options(path).connect().await.map_err(error::of_database(path, "open its file"))?;
    match set_up(&mut connection, path).await {
        Ok(()) => Ok(connection),
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

async fn set_up(connection: &mut SqliteConnection, path: &Path) -> Result<()> {
    schema::Identity::read(connection)
        .await
        .map_err(error::of_database(path, "read its header"))?
        .check(path)?;
    schema::check_structure(connection, path).await?;
    // Not among the options: there they would run before the file is known to be ours.
    sqlx::raw_sql("PRAGMA synchronous = FULL; PRAGMA cache_size = -512")
        .execute(&mut *connection)
        .await
        .map_err(error::of_database(path, "set up its connection"))?;
    schema::migrate(connection, path, schema::MIGRATIONS).await
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(24)
        .disable_statement_logging()
}

/// Creates a journal under another name and gives it its own only when it is complete. So nobody ever sees half a journal,
/// and of several who create one at once, the first one's stays.
async fn create_file(path: &Path, entropy: &dyn Entropy) -> Result<()> {
    let (folder, name) = split(path)?;
    let draft = new_draft(&folder, name, entropy)?;
    let made = fill(&draft).await.and_then(|()| match fs::hard_link(&draft, folder.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(error::of_file(path, "create its file")(error))
        }
        _ => Ok(()),
    });
    let removed = fs::remove_file(&draft).map_err(error::of_file(&draft, "remove a draft of its file"));
    made.and(removed)?;
    sync_folder(&folder)
}

async fn fill(draft: &Path) -> Result<()> {
    let mut connection = options(draft)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .map_err(error::of_database(draft, "create its file"))?;
    let migrated = schema::migrate(&mut connection, draft, schema::MIGRATIONS).await;
    let closed = connection.close().await.map_err(error::of_database(draft, "create its file"));
    migrated.and(closed)
}

fn new_draft(folder: &Path, name: &str, entropy: &dyn Entropy) -> Result<PathBuf> {
    for _ in 0..DRAWS {
        let draft = folder.join(format!("{name}.new-{:016x}", entropy.draw()?));
        match File::create_new(&draft) {
            Ok(_) => return Ok(draft),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error::of_file(&draft, "create its file")(error)),
        }
    }
    Err(Error::new(ErrorKind::Journal, "no free name was drawn for a draft of the journal")
        .with("draws", DRAWS))
}

/// The folder of a file that need not exist, and its name in there.
fn split(path: &Path) -> Result<(PathBuf, &str)> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| Error::invalid("journal path", path.display(), "the path of a file"))?;
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let folder = fs::canonicalize(parent).map_err(|error| {
        Error::new(ErrorKind::NotFound, "the folder of the journal cannot be reached; create it first")
            .with("folder", parent.display())
            .caused_by(error)
    })?;
    Ok((folder, name))
}

/// Makes the new name survive a crash. Only Unix can open a folder to say so.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(error::of_file(folder, "make its new file durable"))
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<()> {
    Ok(())
}
