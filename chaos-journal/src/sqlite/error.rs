use std::{io, path::Path};

use chaos_core::{Error, ErrorKind};

/// Converts an error of the database into one that names the journal and the attempted action, such as "arm a fault".
pub(super) fn of_database(path: &Path, doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error + use<> {
    let path = path.display().to_string();
    move |error| {
        let (kind, retryable, why) = match primary_code(&error) {
            Some(BUSY | LOCKED) => (ErrorKind::Journal, true, ": another process keeps it locked"),
            Some(READONLY) => (ErrorKind::Journal, false, ": it is read-only"),
            Some(FULL) => (ErrorKind::Journal, false, ": no space is left"),
            Some(CORRUPT | NOT_A_DATABASE) => (ErrorKind::Corrupt, false, ": the file is damaged"),
            _ => (ErrorKind::Journal, false, ""),
        };
        Error::new(kind, format!("the journal failed to {doing}{why}"))
            .with("journal", path)
            .retryable(retryable)
            .caused_by(error)
    }
}

/// Converts an error of the file system into one that names the file and the attempted action.
pub(super) fn of_file(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.display().to_string();
    move |error| {
        Error::new(ErrorKind::Journal, format!("the journal failed to {doing}"))
            .with("file", path)
            .caused_by(error)
    }
}

/// SQLite's primary result code: <https://www.sqlite.org/rescode.html>.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let extended: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

pub(super) const BUSY: u32 = 5;
pub(super) const LOCKED: u32 = 6;
pub(super) const READONLY: u32 = 8;
pub(super) const CORRUPT: u32 = 11;
pub(super) const FULL: u32 = 13;
pub(super) const NOT_A_DATABASE: u32 = 26;
