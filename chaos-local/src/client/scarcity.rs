use std::io;

use rustix::io::Errno;

/// The resource that this machine or this process lacks, if an error says so.
pub(crate) fn scarcity(error: &io::Error) -> Option<&'static str> {
    Some(match Errno::from_io_error(error)? {
        Errno::AGAIN => "processes: see `ulimit -u`, and the pid limit of this container or unit",
        Errno::NOMEM | Errno::NOBUFS => "memory",
        Errno::MFILE => "file descriptors of this process: see `ulimit -n`",
        Errno::NFILE => "file descriptors of this machine: see /proc/sys/fs/file-max",
        Errno::NOSPC => "space on the file system: free some, or choose another directory",
        Errno::DQUOT => "this user's quota of the file system: free some space, or choose another directory",
        Errno::ADDRNOTAVAIL => "free ports of 127.0.0.1",
        _ => return None,
    })
}
