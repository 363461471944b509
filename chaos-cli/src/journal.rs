//! The journal of an argument or of a fleet.

use std::{
    env, fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use chaos_core::{Error, ErrorKind, Result};
use chaos_journal::SqlJournal;

/// The default journal of the drills on a fleet.
pub(crate) fn of_fleet(state_directory: &Path) -> PathBuf {
    state_directory.join("chaos.journal")
}

/// A default journal for what has no folder of its own, such as drills on machines of a cloud: in the user's state
/// directory, which outlives this program. The folder is created for this user alone.
pub(crate) fn of_user(name: &str) -> Result<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let folder = state
        .ok_or_else(|| {
            Error::invalid("--journal", "none", "a file, because neither XDG_STATE_HOME nor HOME is set")
        })?
        .join("chaos");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|error| {
        let what = "there is no default place for the journal; name one with --journal";
        Error::new(ErrorKind::Journal, what).with("folder", folder.display()).caused_by(error)
    })?;
    Ok(folder.join(name))
}

/// Opens a journal, and creates it if it is missing.
pub(crate) async fn open(path: &Path) -> Result<SqlJournal> {
    SqlJournal::open(path).await.map_err(|error| unfit(path, error))
}

/// Opens an existing journal.
pub(crate) async fn open_existing(path: &Path) -> Result<SqlJournal> {
    SqlJournal::open_existing(path).await.map_err(|error| unfit(path, error))
}

/// Checks what would keep [`open`] from working, without creating a file.
pub(crate) async fn check(path: &Path) -> Result<()> {
    if path.exists() {
        return open_existing(path).await?.close().await;
    }
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let what = "the journal's folder cannot be reached; create it first";
    fs::canonicalize(folder)
        .map(drop)
        .map_err(|error| unfit(path, Error::new(ErrorKind::NotFound, what).caused_by(error)))
}

/// A file that is not a journal is a bad argument; a failing disk is not.
fn unfit(path: &Path, error: Error) -> Error {
    let what = format!("invalid --journal: {:?}", path.display().to_string());
    let unfit = Error::new(ErrorKind::InvalidInput, what);
    match error.kind() {
        // Its own layer says everything; the database below would repeat it twice.
        ErrorKind::InvalidInput => unfit.caused_by(error.to_string()),
        ErrorKind::NotFound | ErrorKind::Corrupt | ErrorKind::Conflict | ErrorKind::Denied => {
            unfit.caused_by(error)
        }
        _ => error,
    }
}
