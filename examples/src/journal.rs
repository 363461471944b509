//! Opening the journal that an argument names.

use std::path::Path;

use chaos_core::{Error, ErrorKind, Result};
use chaos_journal::SqlJournal;

/// Opens a journal, which is made where it is missing.
pub(crate) async fn open(path: &Path) -> Result<SqlJournal> {
    SqlJournal::open(path).await.map_err(|error| unfit(path, error))
}

/// Opens a journal that must exist.
pub(crate) async fn open_existing(path: &Path) -> Result<SqlJournal> {
    SqlJournal::open_existing(path).await.map_err(|error| unfit(path, error))
}

/// A file that is no journal is a bad argument; a disk that fails is not.
fn unfit(path: &Path, error: Error) -> Error {
    match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::NotFound | ErrorKind::Corrupt | ErrorKind::Conflict => {
            Error::invalid(
                "--journal",
                format!("{:?}", path.display().to_string()),
                "a journal of this library",
            )
            .caused_by(error)
        }
        _ => error,
    }
}
