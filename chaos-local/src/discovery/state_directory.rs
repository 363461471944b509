use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use chaos_core::{Error, ErrorKind, GroupId, Result, clock::Clock};
use serde::{Deserialize, Serialize};

use crate::{
    client::own_directory::{OwnDirectory, unusable},
    discovery::fleet_state::{FleetState, SCHEME, StateSource},
    model::{
        identity::{ProcessIdentity, ProcessStat},
        place::{Place, Seen},
    },
};

const STATE_FILE: &str = "fleet.json";
const LOCK_FILE: &str = "fleet.lock";

/// The newest supported format of `fleet.json`.
const FORMAT: u32 = 1;

/// A fleet's state directory, locked as long as this value lives.
#[derive(Debug)]
pub(crate) struct HeldDirectory {
    directory: StateDirectory,
    files: OwnDirectory,
    place: Place,
    owner: ProcessIdentity,
    /// The standard library opens every file close-on-exec, so no replica keeps the lock. Readers do not take it.
    _lock: File,
}

/// A fleet's state directory, for readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateDirectory {
    path: PathBuf,
}

/// The contents of `fleet.json`.
#[derive(Debug, Serialize, Deserialize)]
struct StateFile {
    format: u32,
    #[serde(flatten)]
    place: Place,
    /// The thread whose end is the end of the fleet. `None` in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<ProcessIdentity>,
    #[serde(flatten)]
    fleet: FleetState,
}

/// Read first, because another format may differ in the rest.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl HeldDirectory {
    /// Locks a directory for the calling thread. It is created if it does not exist.
    ///
    /// # Errors
    /// `Conflict` if a live fleet uses it, and `Refused` if others may have written its contents.
    ///
    /// Cancel safe.
    pub(crate) async fn claim(path: &Path, clock: &dyn Clock) -> Result<Self> {
        path_in_id(path)?;
        OwnDirectory::make(path)?;
        let directory = StateDirectory::open(path)?;
        let files = directory.files()?;
        for _ in 0..20 {
            let (lock, is_private) = files.open_lock(LOCK_FILE)?;
            if !is_private {
                // An earlier version created it, and a stranger may hold its lock, now or later.
                if files.read(STATE_FILE)?.is_some() && directory.state()?.is_some() {
                    break;
                }
                files.remove(LOCK_FILE)?;
                continue;
            }
            match lock.try_lock() {
                Ok(()) if files.is_still(LOCK_FILE, &lock)? => {
                    let (place, owner) = (Place::here()?, this_thread()?);
                    return Ok(Self { directory, files, place, owner, _lock: lock });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => clock.sleep(Duration::from_millis(10)).await,
                Err(TryLockError::Error(error)) => return Err(unusable(&directory.path, error)),
            }
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "another fleet uses the state directory; stop that fleet, or choose another directory",
        )
        .with("state_directory", directory.path.display()))
    }

    pub(crate) fn directory(&self) -> &StateDirectory {
        &self.directory
    }

    /// Replaces `fleet.json`: a reader sees the old one or the new one.
    pub(crate) fn write(&self, fleet: &FleetState) -> Result<()> {
        let state = StateFile {
            format: FORMAT,
            place: self.place.clone(),
            owner: Some(self.owner),
            fleet: fleet.clone(),
        };
        let mut text = serde_json::to_vec_pretty(&state)
            .map_err(|error| unusable(&self.directory.path, error.into()))?;
        text.push(b'\n');
        self.files.write(STATE_FILE, &text)
    }
}

impl StateDirectory {
    /// # Errors
    /// `InvalidInput` if there is no such directory, or if its path cannot be part of an id.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let path = path.canonicalize().map_err(|error| unusable(path, error))?;
        path_in_id(&path)?;
        Ok(Self { path })
    }

    /// The directory that a group's id names, which need not exist; `None` if it names none.
    pub(crate) fn of_id(id: &GroupId) -> Option<Self> {
        let path = id.path();
        path.starts_with('/').then(|| Self { path: path.into() })
    }

    pub(crate) fn id(&self) -> Result<GroupId> {
        GroupId::new(SCHEME, path_in_id(&self.path)?)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn files(&self) -> Result<OwnDirectory> {
        OwnDirectory::open(&self.path)?.ok_or_else(|| self.unknown())
    }

    /// The names of the network namespaces of the fleet that is or was here; `None` if it had none.
    pub(crate) fn network_namespace(&self) -> Result<Option<String>> {
        let Some(files) = OwnDirectory::open(&self.path)? else { return Ok(None) };
        let Some(state) = self.read(&files)? else { return Ok(None) };
        // Names outlive a boot. In another container they mean other namespaces, and other processes.
        if state.place.seen_from(&Place::here()?) == Seen::Elsewhere {
            return Err(self.elsewhere());
        }
        Ok(state.fleet.network_namespace)
    }

    fn unknown(&self) -> Error {
        let what = "it is unknown whether the fleet is alive; if you know that it has ended, declare its faults mended";
        Error::new(ErrorKind::Unavailable, what).with("missing", self.path.join(STATE_FILE).display())
    }

    fn elsewhere(&self) -> Error {
        let what = "this fleet runs on another machine or in another container, so its process ids mean nothing here";
        // This process can never reach that place.
        Error::new(ErrorKind::Unsupported, what).with("file", self.path.join(STATE_FILE).display()).finally()
    }

    /// `None` if there is no `fleet.json`.
    fn read(&self, files: &OwnDirectory) -> Result<Option<StateFile>> {
        let path = self.path.join(STATE_FILE);
        let corrupt = |error: serde_json::Error| {
            Error::new(ErrorKind::Corrupt, "this is not the state of a fleet")
                .with("file", path.display())
                .caused_by(error)
        };
        let Some(text) = files.read(STATE_FILE)? else { return Ok(None) };
        let Format { format } = serde_json::from_slice(&text).map_err(corrupt)?;
        if format != FORMAT {
            let what = "this fleet was started by another version of this library; use that version";
            return Err(Error::new(ErrorKind::Unsupported, what)
                .with("file", path.display())
                .with("format", format)
                .with("understood", FORMAT)
                .finally());
        }
        serde_json::from_slice(&text).map(Some).map_err(corrupt)
    }

    /// Whether the fleet with this state is alive. When its thread has ended for any reason, its replicas are gone,
    /// because the kernel kills them.
    fn is_alive(&self, files: &OwnDirectory, state: &StateFile) -> Result<bool> {
        if let Some(owner) = state.owner {
            return is_running(owner);
        }
        // An earlier version told this by its lock alone, which others could take too.
        for process in state.fleet.replicas.iter().filter_map(|replica| replica.process) {
            if is_running(process)? {
                return Ok(true);
            }
        }
        match files.open_lock(LOCK_FILE)?.0.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(unusable(&self.path, error)),
        }
    }
}

impl StateSource for StateDirectory {
    fn state(&self) -> Result<Option<FleetState>> {
        let files = self.files()?;
        let state = self.read(&files)?.ok_or_else(|| self.unknown())?;
        match state.place.seen_from(&Place::here()?) {
            Seen::Elsewhere => Err(self.elsewhere()),
            Seen::BeforeReboot => Ok(None),
            Seen::Here if state.fleet.ended || !self.is_alive(&files, &state)? => Ok(None),
            Seen::Here => Ok(Some(state.fleet)),
        }
    }
}

fn this_thread() -> Result<ProcessIdentity> {
    ProcessIdentity::of_pid(rustix::thread::gettid().as_raw_pid().cast_unsigned())
}

/// Whether a process or a thread is alive.
fn is_running(thread: ProcessIdentity) -> Result<bool> {
    let stat = ProcessStat::read(thread.pid())?;
    Ok(stat.is_some_and(|stat| stat.identity(thread.pid()) == thread && stat.is_alive()))
}

/// The path in the form of an id.
fn path_in_id(path: &Path) -> Result<&str> {
    path.to_str().filter(|text| !text.chars().any(char::is_control)).ok_or_else(|| {
        Error::invalid("state_directory", format!("{path:?}"), "a path in UTF-8 without control characters")
    })
}
