//! On systems without Unix owners and modes, nothing is checked.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use chaos_core::Result;

use super::error;

pub(super) fn resolve(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(error::of_file(path, "look at its file"))
}

pub(super) fn claim(_: &Path) -> Result<()> {
    Ok(())
}

pub(super) fn occupy(_: &Path) -> Result<()> {
    Ok(())
}

pub(super) fn create_private(path: &Path) -> io::Result<File> {
    File::create_new(path)
}

pub(super) fn create_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

pub(super) fn open_private(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

pub(super) fn is_on_read_only_mount(_: &Path) -> Result<bool> {
    Ok(false)
}
