use std::{
    fs::{self, File, Metadata},
    io,
    os::{
        fd::AsFd,
        unix::{fs::MetadataExt, process::CommandExt},
    },
    process::{self, Command},
    sync::Arc,
    thread,
};

use chaos_core::{Error, ErrorKind, Result};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::{
    client::process_handle::{Activity, ProcessHandle},
    model::identity::{ProcessStat, is_gone},
};

/// The directory of the names of `ip netns add`.
const NAMED: &str = "/run/netns";

/// Not `self`, because threads of one process may be in different namespaces, and a child starts in the namespace of
/// the thread that forks.
const OWN: &str = "/proc/thread-self/ns/net";

/// An open network namespace. It stays the same, regardless of the process or the name by which it was found.
#[derive(Clone, Debug)]
pub(crate) struct NetworkNamespace {
    file: Arc<File>,
    id: NamespaceId,
    whose: (&'static str, String),
}

/// Identifies a network namespace as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NamespaceId {
    device: u64,
    inode: u64,
}

impl NetworkNamespace {
    /// The namespace of the calling thread, and so of the processes that it starts.
    pub(crate) fn own() -> Result<Self> {
        let whose = ("thread", "this one".to_owned());
        let failed =
            |error| unavailable("the network namespace of this process cannot be read", &whose, error);
        let file = File::open(OWN).map_err(failed)?;
        Self::hold(file, whose)
    }

    /// The namespace of a process; `None` if the process has ended.
    ///
    /// # Errors
    /// `Denied` if this user may not look.
    pub(crate) fn of_process(process: &ProcessHandle) -> Result<Option<Self>> {
        let identity = process.identity();
        let whose = ("process", identity.to_string());
        let file = match File::open(format!("/proc/{}/ns/net", identity.pid())) {
            Ok(file) => file,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => {
                let what = "the network namespace of a process cannot be opened";
                return Err(refused(what, &whose, error));
            }
        };
        let namespace = Self::hold(file, whose)?;
        // Checked after it was opened: a process that got the id in between is not the requested one.
        Ok((process.activity()? != Activity::Ended).then_some(namespace))
    }

    /// The namespace with this name; `None` if there is none.
    ///
    /// # Errors
    /// `InvalidInput` for an invalid name, and `Denied` if this user may not open it.
    pub(crate) fn named(name: &str) -> Result<Option<Self>> {
        validate_namespace_name(name)?;
        let whose = ("network_namespace", name.to_owned());
        match File::open(format!("{NAMED}/{name}")) {
            Ok(file) => Self::hold(file, whose).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(refused("a network namespace cannot be opened", &whose, error)),
        }
    }

    /// The namespace with this name, in which processes can be started.
    ///
    /// # Errors
    /// `InvalidInput` if there is none, and `Denied` if this user may not enter it.
    pub(crate) fn to_start_in(name: &str) -> Result<Self> {
        let expected = "the name of an existing network namespace, as `ip netns` lists it";
        let not_one = || Error::invalid("network namespace", format!("{name:?}"), expected);
        let namespace = Self::named(name)?.ok_or_else(not_one)?;
        namespace.within(|| Ok(())).map_err(|error| match error.kind() {
            // The file with that name is not a namespace; a failed `ip netns add` leaves such a file.
            io::ErrorKind::InvalidInput => not_one().caused_by(error),
            _ => namespace.not_entered(error),
        })?;
        Ok(namespace)
    }

    fn hold(file: File, whose: (&'static str, String)) -> Result<Self> {
        let metadata = file.metadata();
        let metadata = metadata
            .map_err(|error| unavailable("a network namespace cannot be identified", &whose, error))?;
        Ok(Self { file: Arc::new(file), id: NamespaceId::of(&metadata), whose })
    }

    pub(crate) fn id(&self) -> NamespaceId {
        self.id
    }

    /// Whether the calling thread is in it.
    pub(crate) fn is_own(&self) -> Result<bool> {
        Ok(self.id == Self::own()?.id)
    }

    /// Whether an ancestor of this process is in it, up to the first process of the machine or container. Then the
    /// target shares its network with that ancestor, even if this process itself is elsewhere.
    pub(crate) fn is_of_an_ancestor(&self) -> Result<bool> {
        let mut pid = process::id();
        while let Some(ProcessStat { parent, .. }) = ProcessStat::read(pid)?
            && parent != 0
        {
            // An ancestor that may not be looked at is skipped; its descendants are usually in the same namespace.
            let metadata = fs::metadata(format!("/proc/{parent}/ns/net"));
            if metadata.is_ok_and(|metadata| NamespaceId::of(&metadata) == self.id) {
                return Ok(true);
            }
            pid = parent;
        }
        Ok(false)
    }

    /// Makes a command's process enter it before its program runs. A missing permission shows only then.
    #[expect(unsafe_code, reason = "no safe interface runs a child in another namespace")]
    pub(crate) fn enter_before_exec(&self, command: &mut Command) {
        let file = Arc::clone(&self.file);
        // SAFETY: between fork and exec this makes one system call. It allocates nothing and takes no lock.
        unsafe {
            command.pre_exec(move || enter(&file));
        }
    }

    /// Runs `work` inside, on a thread of its own. A socket that it creates stays inside.
    pub(crate) fn within<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        thread::scope(|scope| {
            let inside = || {
                enter(&self.file)?;
                work()
            };
            let thread =
                thread::Builder::new().name("chaos-namespace".to_owned()).spawn_scoped(scope, inside)?;
            thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread inside the namespace panicked")))
        })
    }

    /// The error if this process or its child may not enter.
    pub(crate) fn not_entered(&self, error: io::Error) -> Error {
        refused("a network namespace cannot be entered; run this program as root", &self.whose, error)
    }
}

impl NamespaceId {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// Refuses a name that is not a file name.
pub(crate) fn validate_namespace_name(name: &str) -> Result<()> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        let expected = "the name of a network namespace, without a slash";
        return Err(Error::invalid("network namespace", format!("{name:?}"), expected));
    }
    Ok(())
}

/// A replica's own name of a namespace, if the name contains `{index}`.
pub(crate) fn namespace_of_replica(names: &str, index: usize) -> String {
    names.replace("{index}", &index.to_string())
}

fn enter(file: &File) -> io::Result<()> {
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).map_err(io::Error::from)
}

fn refused(what: &'static str, whose: &(&'static str, String), error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::PermissionDenied {
        Error::new(ErrorKind::Denied, what).with(whose.0, &whose.1).caused_by(error)
    } else {
        unavailable(what, whose, error)
    }
}

fn unavailable(what: &'static str, whose: &(&'static str, String), error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, what).with(whose.0, &whose.1).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_name_is_no_namespace() {
        for name in ["", ".", "..", "a/b", "/", "../netns/a", "a\0"] {
            let error = NetworkNamespace::named(name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
        }
        for name in ["-rf", "$(reboot)", "a b", "...", "é"] {
            validate_namespace_name(name).unwrap();
        }
        let error = NetworkNamespace::to_start_in("no such namespace").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("\"no such namespace\""), "{error}");
    }

    #[test]
    fn replicas_can_have_one_each() {
        assert_eq!(namespace_of_replica("web-{index}-{index}{port}", 7), "web-7-7{port}");
    }

    #[test]
    fn its_own_is_known_by_either_way() {
        let this = ProcessHandle::open(crate::ProcessIdentity::of_pid(std::process::id()).unwrap());
        let namespace = NetworkNamespace::of_process(&this.unwrap().unwrap()).unwrap().unwrap();
        assert!(namespace.is_own().unwrap());
        assert_eq!(namespace.id(), NetworkNamespace::own().unwrap().id());
    }
}
