use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use chaos_core::{Error, ErrorKind, Result, chance::Entropy};
use sqlx::{
    ConnectOptions, Connection,
    sqlite::{SqliteJournalMode, SqliteSynchronous},
};

use super::{database, error, identity, ownership, schema};

/// How often a new name is drawn if the drawn one is taken.
const DRAWS: usize = 16;

/// Creates a journal elsewhere and gives it its name only when it is complete. So half a journal is never visible, and
/// if several processes create one at once, the first one's stays.
pub(super) async fn create(path: &Path, entropy: &dyn Entropy) -> Result<()> {
    let (folder, name) = split(path)?;
    with_draft(&folder, name, entropy, |draft| match fs::hard_link(draft, folder.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    })
    .await
}

/// Turns an empty file, such as one of `mktemp`, into a journal. A complete journal replaces it, so others see all of
/// it or nothing.
pub(super) async fn adopt(path: &Path, entropy: &dyn Entropy) -> Result<()> {
    if fs::metadata(identity::log_of(path)).is_ok_and(|log| log.len() > 0) {
        return Err(Error::new(
            ErrorKind::Corrupt,
            "the journal is empty but its log is not, so the journal was truncated; keep both files for repair, and \
             use another journal",
        )
        .with("journal", path.display()));
    }
    let (folder, name) = split(path)?;
    // If several processes find it empty, the first one replaces it.
    let empty = File::open(path).map_err(error::of_file(path, "open its file"))?;
    empty.lock().map_err(error::of_file(path, "lock its file"))?;
    if fs::metadata(path).is_ok_and(|found| found.len() > 0) {
        return Ok(());
    }
    with_draft(&folder, name, entropy, |draft| fs::rename(draft, path)).await
}

/// Makes a complete journal in a folder that only this user may enter, and passes it to `place`.
async fn with_draft(
    folder: &Path,
    name: &str,
    entropy: &dyn Entropy,
    place: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<()> {
    let drafts = new_folder(folder, name, entropy)?;
    let draft = drafts.join(name);
    let made = fill(&draft)
        .await
        .and_then(|()| place(&draft).map_err(error::of_file(&folder.join(name), "create its file")));
    let removed = fs::remove_dir_all(&drafts).map_err(error::of_file(&drafts, "remove a draft of its file"));
    made.and(removed)?;
    sync_folder(folder)
}

async fn fill(draft: &Path) -> Result<()> {
    ownership::create_private(draft).map_err(error::of_file(draft, "create its file"))?;
    let mut connection = database::options(draft)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .map_err(error::of_database(draft, "create its file"))?;
    let migrated = schema::migrate(&mut connection, draft, schema::MIGRATIONS).await;
    let closed = connection.close().await.map_err(error::of_database(draft, "create its file"));
    migrated.and(closed)
}

fn new_folder(folder: &Path, name: &str, entropy: &dyn Entropy) -> Result<PathBuf> {
    for _ in 0..DRAWS {
        let drafts = folder.join(format!("{name}.new-{:016x}", entropy.draw()?));
        match ownership::create_private_folder(&drafts) {
            Ok(()) => return Ok(drafts),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error::of_file(&drafts, "create its file")(error)),
        }
    }
    Err(Error::new(ErrorKind::Journal, "no unused name was found for a draft of the journal")
        .with("draws", DRAWS))
}

/// The folder of a file, which need not exist, and the file's name in it.
fn split(path: &Path) -> Result<(PathBuf, &str)> {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| Error::invalid("journal path", path.display(), "the path of a file"))?;
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::canonicalize(parent).map_err(|error| {
        Error::new(ErrorKind::NotFound, "the journal's folder cannot be reached; create it first")
            .with("folder", parent.display())
            .caused_by(error)
    })?;
    Ok((ownership::resolve(parent)?, name))
}

/// Makes the new name survive a crash. Only Unix can open a folder for that.
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
