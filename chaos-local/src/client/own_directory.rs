use std::{
    fs::{DirBuilder, File, Metadata, Permissions},
    io::{self, Read, Write},
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use chaos_core::{Error, ErrorKind, Result};
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, openat, renameat, unlinkat},
    io::Errno,
    process::geteuid,
};

use crate::client::scarcity::scarcity;

/// For the owner alone.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_DIRECTORY: u32 = 0o700;

/// The mode bits with which others may write a file's contents, or access a file or a directory at all.
const WRITABLE_BY_OTHERS: u32 = 0o022;
const WRITABLE_BY_ALL: u32 = 0o002;
const USABLE_BY_OTHERS: u32 = 0o077;

/// An open directory to which only this user may write, so all files in it are from this user.
#[derive(Debug)]
pub(crate) struct OwnDirectory {
    path: PathBuf,
    directory: OwnedFd,
}

impl OwnDirectory {
    /// Creates a directory and its missing parents, each for this user alone.
    pub(crate) fn make(path: &Path) -> Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(PRIVATE_DIRECTORY);
        builder.create(path).map_err(|error| unusable(path, error))?;
        // The umask may have taken the owner's own rights.
        std::fs::set_permissions(path, Permissions::from_mode(PRIVATE_DIRECTORY))
            .map_err(|error| unusable(path, error))
    }

    /// `None` if there is no such directory.
    ///
    /// # Errors
    /// `Refused` if others may have written its contents.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = match openat(CWD, path, flags, Mode::empty()) {
            Ok(directory) => directory,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(unusable(path, error.into())),
        };
        let file = File::from(directory);
        let metadata = file.metadata().map_err(|error| unusable(path, error))?;
        refuse_what_others_may_write(path, &metadata)?;
        Ok(Some(Self { path: path.to_owned(), directory: file.into() }))
    }

    /// The contents of a file in it; `None` if there is no such file.
    ///
    /// # Errors
    /// `Refused` if others may have written it.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(mut file) = self.open_file(name, OFlags::RDONLY)? else { return Ok(None) };
        let mut content = Vec::new();
        file.read_to_end(&mut content).map_err(|error| unusable(&self.path.join(name), error))?;
        Ok(Some(content))
    }

    /// Replaces a file: a reader sees the old one or the new one.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let new = format!("{name}.new");
        let write = || -> io::Result<()> {
            match unlinkat(&self.directory, &new, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
            let mut file = self.create(&new)?;
            file.write_all(content)?;
            Ok(renameat(&self.directory, &new, &self.directory, name)?)
        };
        write().map_err(|error| unusable(&self.path, error))
    }

    /// Opens a file for locking, and creates it if it does not exist. Also returns whether no other user can have it
    /// open: a user who may read a file may lock it for as long as they like.
    pub(crate) fn open_lock(&self, name: &str) -> Result<(File, bool)> {
        loop {
            if let Some(file) = self.open_file(name, OFlags::RDWR)? {
                let metadata = file.metadata().map_err(|error| unusable(&self.path.join(name), error))?;
                return Ok((file, metadata.mode() & USABLE_BY_OTHERS == 0));
            }
            match self.create(name) {
                Ok(file) => return Ok((file, true)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(unusable(&self.path.join(name), error)),
            }
        }
    }

    /// Whether this name still is this file.
    pub(crate) fn is_still(&self, name: &str, file: &File) -> Result<bool> {
        let Some(now) = self.open_file(name, OFlags::RDONLY)? else { return Ok(false) };
        let id = |file: &File| file.metadata().map(|metadata| (metadata.dev(), metadata.ino()));
        let ids = || Ok((id(&now)?, id(file)?));
        let (now, then) = ids().map_err(|error: io::Error| unusable(&self.path.join(name), error))?;
        Ok(now == then)
    }

    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        match unlinkat(&self.directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(unusable(&self.path.join(name), error.into())),
        }
    }

    fn open_file(&self, name: &str, access: OFlags) -> Result<Option<File>> {
        let path = self.path.join(name);
        // Not blocking: it may turn out to be a pipe.
        let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match openat(&self.directory, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(not_ones_own(&path, "it is a symbolic link")),
            Err(error) => return Err(unusable(&path, error.into())),
        };
        let metadata = file.metadata().map_err(|error| unusable(&path, error))?;
        if !metadata.is_file() {
            return Err(not_ones_own(&path, "it is not a regular file"));
        }
        refuse_what_others_may_write(&path, &metadata)?;
        Ok(Some(file))
    }

    fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.directory, name, flags, Mode::from_raw_mode(PRIVATE_FILE))?;
        let file = File::from(file);
        file.set_permissions(Permissions::from_mode(PRIVATE_FILE))?;
        Ok(file)
    }
}

fn refuse_what_others_may_write(path: &Path, metadata: &Metadata) -> Result<()> {
    if metadata.uid() != geteuid().as_raw() {
        return Err(not_ones_own(
            path,
            "it belongs to another user: run this program as that user, or choose another directory",
        )
        .with("owner", metadata.uid())
        .with("this_user", geteuid().as_raw())
        .finally());
    }
    // A user's private group, which has the same number, counts as that user.
    let others = if metadata.gid() == metadata.uid() { WRITABLE_BY_ALL } else { WRITABLE_BY_OTHERS };
    if metadata.mode() & others != 0 {
        return Err(not_ones_own(
            path,
            "other users may write to it: check its contents, and then run `chmod go-w` on it",
        )
        .with("mode", format_args!("{:o}", metadata.mode() & 0o7777)));
    }
    Ok(())
}

fn not_ones_own(path: &Path, why: &str) -> Error {
    Error::new(
        ErrorKind::Refused,
        format!("the state of a fleet must be accessible to its owner alone, and this is not: {why}"),
    )
    .with("path", format_args!("{:?}", path.display().to_string()))
}

pub(crate) fn unusable(path: &Path, error: io::Error) -> Error {
    let path = format!("{:?}", path.display().to_string());
    match scarcity(&error) {
        Some(scarce) => Error::new(
            ErrorKind::Unavailable,
            format!("the state directory cannot be used for lack of {scarce}"),
        )
        .with("state_directory", path)
        .caused_by(error),
        None => Error::invalid("state_directory", path, "a directory that can be used").caused_by(error),
    }
}
