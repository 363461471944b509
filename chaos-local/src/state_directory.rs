use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use chaos_core::{Clock, Error, ErrorKind, GroupId, Result};
use serde::{Deserialize, Serialize};

use crate::fleet_state::{FleetState, SCHEME, StateSource};

const STATE_FILE: &str = "fleet.json";
const NEW_STATE_FILE: &str = "fleet.json.new";
const LOCK_FILE: &str = "fleet.lock";

/// The newest format of `fleet.json` that is understood.
const FORMAT: u32 = 1;

/// A fleet's state directory, held for as long as this value lives.
#[derive(Debug)]
pub(crate) struct HeldDirectory {
    directory: StateDirectory,
    machine: Machine,
    /// The standard library opens every file close-on-exec: no replica keeps the lock.
    _lock: File,
}

/// A fleet's state directory as anybody sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StateDirectory {
    path: PathBuf,
}

/// What `fleet.json` holds.
#[derive(Debug, Serialize, Deserialize)]
struct StateFile {
    format: u32,
    #[serde(flatten)]
    machine: Machine,
    #[serde(flatten)]
    fleet: FleetState,
}

/// Read before the rest, which another format may have changed.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Where process ids mean what they say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Machine {
    boot: String,
    pid_namespace: String,
}

impl HeldDirectory {
    /// Takes hold of a directory, which is made where it does not exist.
    ///
    /// # Errors
    /// `Conflict` where a living fleet holds it.
    ///
    /// Cancel safe.
    pub(crate) async fn claim(path: &Path, clock: &dyn Clock) -> Result<Self> {
        path_in_id(path)?;
        fs::create_dir_all(path).map_err(|error| unusable(path, error))?;
        let directory = StateDirectory::open(path)?;
        let lock = directory.path.join(LOCK_FILE);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&lock)
            .map_err(|error| unusable(&lock, error))?;
        // Whoever looks whether a fleet lives holds the lock for a moment.
        for _ in 0..20 {
            match lock.try_lock() {
                Ok(()) => {
                    let machine = Machine::this()?;
                    return Ok(Self { directory, machine, _lock: lock });
                }
                Err(TryLockError::WouldBlock) => clock.sleep(Duration::from_millis(10)).await,
                Err(TryLockError::Error(error)) => return Err(unusable(&directory.path, error)),
            }
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "another fleet holds the state directory; stop it or choose another",
        )
        .with("state_directory", directory.path.display()))
    }

    pub(crate) fn directory(&self) -> &StateDirectory {
        &self.directory
    }

    /// Replaces `fleet.json`: a reader sees the old one or the new one.
    pub(crate) fn write(&self, fleet: &FleetState) -> Result<()> {
        let state = StateFile { format: FORMAT, machine: self.machine.clone(), fleet: fleet.clone() };
        let new = self.directory.path.join(NEW_STATE_FILE);
        let write = || {
            let mut text = serde_json::to_vec_pretty(&state)?;
            text.push(b'\n');
            fs::write(&new, text)?;
            fs::rename(&new, self.directory.path.join(STATE_FILE))
        };
        write().map_err(|error| unusable(&self.directory.path, error))
    }
}

impl StateDirectory {
    /// # Errors
    /// `InvalidInput` where there is no such directory, or its path cannot be part of an id.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let path = path.canonicalize().map_err(|error| unusable(path, error))?;
        path_in_id(&path)?;
        Ok(Self { path })
    }

    /// The directory that a group's id names, which need not exist; `None` where it names none.
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

    /// Whether a fleet holds the directory. When none does, the last one and its replicas are gone, however it ended: the
    /// kernel releases the lock of a process that dies and kills its replicas.
    fn is_held(&self) -> Result<bool> {
        let lock = self.path.join(LOCK_FILE);
        let file = File::open(&lock).map_err(|error| {
            let what = "nobody can tell whether the fleet lives; where you know that it has ended, an empty file of this name says so";
            Error::new(ErrorKind::Unavailable, what).with("file", lock.display()).caused_by(error)
        })?;
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(unusable(&lock, error)),
        }
    }

    fn read(&self) -> Result<FleetState> {
        let state = self.read_file()?;
        if state.machine != Machine::this()? {
            return Err(self.elsewhere());
        }
        Ok(state.fleet)
    }

    /// The names of the network namespaces of the fleet that is or was here; `None` where it had none.
    pub(crate) fn network_namespace(&self) -> Result<Option<String>> {
        if matches!(self.path.join(STATE_FILE).try_exists(), Ok(false)) {
            return Ok(None);
        }
        let (state, this) = (self.read_file()?, Machine::this()?);
        // Names outlive a boot. In another container they, and the processes that were left behind, are others.
        if state.machine.boot == this.boot && state.machine != this {
            return Err(self.elsewhere());
        }
        Ok(state.fleet.network_namespace)
    }

    fn elsewhere(&self) -> Error {
        let what =
            "this fleet runs on another machine or in another container; process ids mean nothing here";
        Error::new(ErrorKind::Unsupported, what).with("file", self.path.join(STATE_FILE).display())
    }

    fn read_file(&self) -> Result<StateFile> {
        let path = self.path.join(STATE_FILE);
        let corrupt = |error: serde_json::Error| {
            Error::new(ErrorKind::Corrupt, "this is not the state of a fleet")
                .with("file", path.display())
                .caused_by(error)
        };
        let text = fs::read(&path).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the state of the fleet cannot be read")
                .with("file", path.display())
                .caused_by(error)
        })?;
        let Format { format } = serde_json::from_slice(&text).map_err(corrupt)?;
        if format != FORMAT {
            let what = "this fleet was started by another version of this library; use that version";
            return Err(Error::new(ErrorKind::Unsupported, what)
                .with("file", path.display())
                .with("format", format)
                .with("understood", FORMAT));
        }
        serde_json::from_slice(&text).map_err(corrupt)
    }
}

impl StateSource for StateDirectory {
    fn state(&self) -> Result<Option<FleetState>> {
        if !self.is_held()? {
            return Ok(None);
        }
        // The lock is held for a moment longer than the fleet lives.
        Ok(Some(self.read()?).filter(|state| !state.ended))
    }
}

impl Machine {
    fn this() -> Result<Self> {
        let read = || -> io::Result<Self> {
            let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
            let pid_namespace = fs::read_link("/proc/self/ns/pid")?.to_string_lossy().into_owned();
            Ok(Self { boot, pid_namespace })
        };
        read().map_err(|error| {
            Error::new(ErrorKind::Unavailable, "/proc does not say which machine this is").caused_by(error)
        })
    }
}

/// The path as it stands in an id.
fn path_in_id(path: &Path) -> Result<&str> {
    path.to_str().filter(|text| !text.chars().any(char::is_control)).ok_or_else(|| {
        Error::invalid("state_directory", format!("{path:?}"), "a path in UTF-8 without control characters")
    })
}

fn unusable(path: &Path, error: io::Error) -> Error {
    Error::invalid(
        "state_directory",
        format!("{:?}", path.display().to_string()),
        "a directory that can be used",
    )
    .caused_by(error)
}
