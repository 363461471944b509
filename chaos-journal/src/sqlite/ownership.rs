use std::{
    ffi::{OsStr, OsString},
    fs::{self, Metadata, OpenOptions, Permissions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

use chaos_core::{Error, ErrorKind, Result};
use rustix::{fs::OFlags, process::geteuid};

use super::{error, identity::beside};

/// The files that SQLite keeps beside a database. It uses any file that it finds there.
const BESIDE: [&str; 3] = ["-journal", "-wal", "-shm"];

/// The most symbolic links in a path, as in Linux.
const LINKS: usize = 40;

/// The mode bits that let users other than the owner write, or do anything.
const OTHERS_WRITE: u32 = 0o022;
const WORLD_WRITES: u32 = 0o002;
const OTHERS: u32 = 0o077;
const STICKY: u32 = 0o1000;

/// The path without symbolic links, after checking that only root and this user decide where it leads: no folder on the
/// way in which others may rename, and no link of others.
pub(super) fn resolve(path: &Path) -> Result<PathBuf> {
    let failed = |at: &Path| error::of_file(at, "look at its file");
    let absolute = std::path::absolute(path).map_err(failed(path))?;
    let mut ahead: Vec<OsString> = parts(&absolute).collect();
    let (mut reached, mut links) = (PathBuf::from("/"), 0);
    while let Some(part) = ahead.pop() {
        if part == ".." {
            reached.pop();
            continue;
        }
        check_folder(&reached)?;
        let next = reached.join(part);
        let metadata = fs::symlink_metadata(&next).map_err(failed(path))?;
        if !metadata.is_symlink() {
            reached = next;
            continue;
        }
        if !is_trusted(&metadata) {
            let why =
                "the journal's path leads through a symbolic link of another user; name the file itself";
            return Err(refused(why, &next, &metadata));
        }
        links += 1;
        if links > LINKS {
            return Err(failed(path)(io::Error::other("too many symbolic links")));
        }
        let to = fs::read_link(&next).map_err(failed(path))?;
        if to.is_absolute() {
            reached = PathBuf::from("/");
        }
        ahead.extend(parts(&to));
    }
    if reached.is_dir() {
        check_folder(&reached)?;
    }
    Ok(reached)
}

/// Checks that the journal in the file `path`, and SQLite's files beside it, belong to this user alone.
///
/// Files that others may read, as earlier versions left them, are made private, because a user who may open a file may
/// also lock it.
pub(super) fn claim(path: &Path) -> Result<()> {
    claim_file(path)?;
    for file in BESIDE.map(|suffix| beside(path, suffix)) {
        // SQLite creates and removes them as journals are opened and closed.
        match claim_file(&file) {
            Err(error) if is_missing(&error) => {}
            Err(error) if error.kind() == ErrorKind::Denied => return Err(put_there_by_others(path, error)),
            claimed => claimed?,
        }
    }
    Ok(())
}

/// Keeps others from putting files beside the journal in a folder in which they may create files: the first to create a
/// file has the name.
///
/// Call it before each opening. Of the files that it creates, `-journal` stays.
pub(super) fn occupy(path: &Path) -> Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let metadata = fs::metadata(folder).map_err(error::of_file(folder, "look at its folder"))?;
    if metadata.mode() & OTHERS_WRITE == 0 {
        return Ok(());
    }
    for file in BESIDE.map(|suffix| beside(path, suffix)) {
        match create_private(&file) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(error::of_file(&file, "create a file beside it")(error));
            }
            _ => {}
        }
    }
    claim(path)
}

/// Creates a file that no other user may open, whatever the umask.
pub(super) fn create_private(path: &Path) -> io::Result<fs::File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Creates a folder that no other user may enter.
pub(super) fn create_private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// Opens a file that only this user may open. `None` if there is no such file, or if it belongs to another user or is
/// open to others, because a lock on it would prove nothing.
pub(super) fn open_private(path: &Path) -> io::Result<Option<fs::File>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(_) if !fs::symlink_metadata(path).is_ok_and(|metadata| is_private(&metadata)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    Ok(is_private(&metadata).then_some(file))
}

/// Whether the file is on a read-only file system.
pub(super) fn is_on_read_only_mount(path: &Path) -> Result<bool> {
    let found = rustix::fs::statvfs(path)
        .map_err(|error| error::of_file(path, "look at the file system that it is on")(error.into()))?;
    Ok(found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

/// A user who may create files in the folder may do this at any time. The journal's own file is intact all the same.
fn put_there_by_others(path: &Path, error: Error) -> Error {
    let why = "another user has put a file beside the journal, and SQLite would use it: move the journal alone into a \
        folder of your own and continue there; its own file holds everything that was armed";
    Error::new(ErrorKind::Denied, why).with("journal", path.display()).caused_by(error)
}

/// Whether users other than the owner may write. On many systems, each user has a private group with the same number,
/// which may write new files of the user. That group counts as the owner.
fn others_may_write(metadata: &Metadata) -> bool {
    let is_own_group = metadata.gid() == metadata.uid();
    metadata.mode() & if is_own_group { WORLD_WRITES } else { OTHERS_WRITE } != 0
}

fn is_private(metadata: &Metadata) -> bool {
    metadata.is_file() && metadata.uid() == geteuid().as_raw() && metadata.mode() & OTHERS == 0
}

fn claim_file(path: &Path) -> Result<()> {
    let metadata = fs::symlink_metadata(path).map_err(error::of_file(path, "look at its file"))?;
    let why = if !metadata.is_file() {
        "the journal is not a regular file with a single name; name another file"
    } else if metadata.uid() != geteuid().as_raw() {
        "the journal belongs to another user, who may have written anything to it; run this program as that user, or \
         name another journal"
    } else if others_may_write(&metadata) {
        "other users may write to the journal; check its contents, and then revoke the permission with `chmod go-w`"
    } else {
        return close_to_others(path, &metadata);
    };
    Err(refused(why, path, &metadata))
}

fn is_missing(error: &Error) -> bool {
    use std::error::Error as _;
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::NotFound)
}

fn close_to_others(path: &Path, metadata: &Metadata) -> Result<()> {
    if metadata.mode() & OTHERS == 0 {
        return Ok(());
    }
    match fs::set_permissions(path, Permissions::from_mode(metadata.mode() & 0o700)) {
        // Nothing can be recorded there anyway.
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => Ok(()),
        closed => closed.map_err(error::of_file(path, "make its file private")),
    }
}

/// A user who may rename in a folder decides what a name in it means.
fn check_folder(folder: &Path) -> Result<()> {
    let metadata = fs::symlink_metadata(folder).map_err(error::of_file(folder, "look at its folder"))?;
    let why = if !is_trusted(&metadata) {
        "the journal is in a folder of another user, who may replace it; use a folder of your own"
    } else if others_may_write(&metadata) && metadata.mode() & STICKY == 0 {
        "other users may replace the journal in its folder; revoke the permission with `chmod go-w`, or use another \
         folder"
    } else {
        return Ok(());
    };
    Err(refused(why, folder, &metadata))
}

fn is_trusted(metadata: &Metadata) -> bool {
    let owner = metadata.uid();
    owner == 0 || owner == geteuid().as_raw() || is_unmapped_root(owner)
}

/// In a user namespace without the machine's root, root's folders have this owner.
fn is_unmapped_root(owner: u32) -> bool {
    let whole = ["0", "0", "4294967295"];
    owner == 65534
        && fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.split_whitespace().ne(whole))
}

fn refused(why: &'static str, path: &Path, metadata: &Metadata) -> Error {
    Error::new(ErrorKind::Denied, why)
        .with("path", path.display())
        .with("owner", metadata.uid())
        .with("user", geteuid().as_raw())
        .with("mode", format_args!("{:04o}", metadata.mode() & 0o7777))
}

/// The parts of a path to walk, the first one last.
fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsStr::new("..").to_owned()),
        _ => None,
    })
}
