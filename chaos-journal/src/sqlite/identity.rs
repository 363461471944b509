use std::{
    fs, io,
    path::{Path, PathBuf},
};

use chaos_core::{Error, ErrorKind, Result};

use super::error;

/// The open files of a journal: the database and the log beside it.
///
/// SQLite keeps using a file that has lost its name, and no other process would ever see what is written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Files {
    database: FileId,
    /// There is none if the whole journal is read without it.
    log: Option<FileId>,
}

impl Files {
    /// The files that the path names now.
    pub(super) fn at(path: &Path) -> Result<Self> {
        let failed = |error| error::of_file(path, "look at its file")(error);
        let database = FileId::of(path).map_err(failed)?.ok_or_else(|| moved(path))?;
        Ok(Self { database, log: FileId::of(&log_of(path)).map_err(failed)? })
    }

    /// Fails if the path names other files by now.
    pub(super) fn check(self, path: &Path) -> Result<()> {
        if Self::at(path)? == self { Ok(()) } else { Err(moved(path)) }
    }

    /// Whether both are the same database.
    pub(super) fn is_same_database(self, other: Self) -> bool {
        self.database == other.database
    }
}

/// The error for a file that was removed or replaced.
pub(super) fn moved(path: &Path) -> Error {
    Error::new(
        ErrorKind::Journal,
        "the journal's file or its log was removed or replaced while it was open; stop this program, recover the \
         pending faults, and start it again",
    )
    .with("journal", path.display())
}

/// SQLite's log beside the database.
pub(super) fn log_of(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

/// The index of that log, which exists while a process has the journal open.
pub(super) fn index_of(path: &Path) -> PathBuf {
    beside(path, "-shm")
}

/// The file with this name plus `suffix`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    fn of(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => found.map(|found| Some(Self::from(&found))),
        }
    }
}

#[cfg(unix)]
impl From<&fs::Metadata> for FileId {
    fn from(found: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: found.dev(), inode: found.ino() }
    }
}

/// On other systems, an open file cannot be replaced.
#[cfg(not(unix))]
impl From<&fs::Metadata> for FileId {
    fn from(_: &fs::Metadata) -> Self {
        Self { device: 0, inode: 0 }
    }
}
