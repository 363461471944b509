use std::{fmt, process, str::FromStr};

use chaos_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::unsupported;

/// One process, told apart from every other: its process id and the moment at which it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessIdentity {
    pid: u32,
    start_time: u64,
}

impl ProcessIdentity {
    /// The process that has this id now.
    ///
    /// # Errors
    /// `Unsupported` on this system.
    pub fn of_pid(pid: u32) -> Result<Self> {
        Err(unsupported("telling one process from another").with("pid", pid))
    }

    /// The process id.
    pub fn pid(self) -> u32 {
        self.pid
    }

    /// When it started, in clock ticks since its machine was booted.
    pub fn start_time(self) -> u64 {
        self.start_time
    }
}

impl fmt::Display for ProcessIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.pid, self.start_time)
    }
}

impl FromStr for ProcessIdentity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once('.').and_then(|(pid, start_time)| {
            Some(Self { pid: pid.parse().ok()?, start_time: start_time.parse().ok()? })
        });
        parts.filter(|identity| identity.to_string() == text).ok_or_else(|| {
            Error::invalid("process", format!("{text:?}"), "pid.start_time, such as 4711.158125")
        })
    }
}

/// A value that names a process to [`Processes`](crate::Processes): its identity, its process id, or the handle of a
/// child.
pub trait AsProcess {
    /// The process.
    ///
    /// # Errors
    /// `Unsupported` on this system, unless it is an identity already.
    fn identity(&self) -> Result<ProcessIdentity>;
}

impl AsProcess for ProcessIdentity {
    fn identity(&self) -> Result<ProcessIdentity> {
        Ok(*self)
    }
}

impl AsProcess for u32 {
    fn identity(&self) -> Result<ProcessIdentity> {
        ProcessIdentity::of_pid(*self)
    }
}

impl AsProcess for process::Child {
    fn identity(&self) -> Result<ProcessIdentity> {
        ProcessIdentity::of_pid(self.id())
    }
}

impl AsProcess for tokio::process::Child {
    fn identity(&self) -> Result<ProcessIdentity> {
        ProcessIdentity::of_pid(self.id().unwrap_or_default())
    }
}

#[deny(clippy::missing_trait_methods)]
impl<P: AsProcess + ?Sized> AsProcess for &P {
    fn identity(&self) -> Result<ProcessIdentity> {
        (**self).identity()
    }
}
