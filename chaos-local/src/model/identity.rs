use std::{fmt, fs, io, process, str::FromStr, time::Duration};

use chaos_core::{Error, ErrorKind, Result};
use rustix::{
    param::clock_ticks_per_second,
    process::Pid,
    time::{ClockId, clock_gettime},
};
use serde::{Deserialize, Serialize};

/// The identity of one process, unique on this machine since it was booted: its process id and its start time.
///
/// A bare process id names the process that has it now; the kernel reuses ids. Written as `pid.start_time`, such as
/// `4711.158125`.
///
/// ```
/// use chaos_local::ProcessIdentity;
///
/// let me = ProcessIdentity::of_pid(std::process::id())?;
/// assert_eq!(me.to_string().parse::<ProcessIdentity>()?, me);
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessIdentity {
    pid: u32,
    start_time: u64,
}

/// The contents of `/proc/PID/stat` at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProcessStat {
    pub(crate) state: char,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) session: u32,
    pub(crate) threads: u32,
    pub(crate) start_time: u64,
}

impl ProcessIdentity {
    /// The process that has this id now.
    ///
    /// # Errors
    /// `InvalidInput` for an id that no process can have, `NotFound` if no process has it, and `Unavailable` if `/proc`
    /// cannot be read.
    pub fn of_pid(pid: u32) -> Result<Self> {
        to_pid(pid)?;
        match ProcessStat::read(pid)? {
            Some(stat) => Ok(stat.identity(pid)),
            None => Err(Error::new(ErrorKind::NotFound, "there is no such process").with("pid", pid)),
        }
    }

    /// The process id.
    pub fn pid(self) -> u32 {
        self.pid
    }

    /// The start time, in clock ticks since this machine was booted: field 22 of `/proc/PID/stat`, see
    /// proc_pid_stat(5).
    pub fn start_time(self) -> u64 {
        self.start_time
    }

    /// How long ago it started, to a hundredth of a second. `None` if its start time is of another boot.
    pub(crate) fn age(self) -> Option<Duration> {
        // Not /proc/uptime, which some containers fake.
        let uptime = Duration::try_from(clock_gettime(ClockId::Boottime)).ok()?;
        let ticks = clock_ticks_per_second();
        let rest = self.start_time.checked_rem(ticks)?.saturating_mul(1_000_000_000);
        let started = Duration::from_secs(self.start_time.checked_div(ticks)?)
            .saturating_add(Duration::from_nanos(rest.checked_div(ticks)?));
        uptime.checked_sub(started)
    }

    pub(crate) fn raw_pid(self) -> Result<Pid> {
        to_pid(self.pid)
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
        // A number has only one spelling, so one process has only one id.
        parts.filter(|identity| identity.to_string() == text).ok_or_else(|| {
            Error::invalid("process", format!("{text:?}"), "pid.start_time, such as 4711.158125")
        })
    }
}

/// A value that names a process to [`Processes`](crate::Processes): its identity, its process id, or the handle of a
/// child.
///
/// A handle is safest: while a child has not been waited for, no other process can have its process id.
pub trait AsProcess {
    /// The process.
    ///
    /// # Errors
    /// `NotFound` if there is no such process.
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
        let pid = self.id().ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "the child process has ended, and its exit status was already collected",
            )
        })?;
        ProcessIdentity::of_pid(pid)
    }
}

#[deny(clippy::missing_trait_methods)]
impl<P: AsProcess + ?Sized> AsProcess for &P {
    fn identity(&self) -> Result<ProcessIdentity> {
        (**self).identity()
    }
}

impl ProcessStat {
    /// `None` if no process has this id.
    pub(crate) fn read(pid: u32) -> Result<Option<Self>> {
        // Not as text, because the process can choose any bytes as its name.
        let stat = match fs::read(format!("/proc/{pid}/stat")) {
            Ok(stat) => stat,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => {
                let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
                let kind = if is_denied { ErrorKind::Denied } else { ErrorKind::Unavailable };
                return Err(Error::new(kind, "the state of a process cannot be read")
                    .with("pid", pid)
                    .caused_by(error));
            }
        };
        Self::parse(&stat).map(Some).ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, "the state of a process in /proc has an unknown form")
                .with("pid", pid)
                .with("stat", String::from_utf8_lossy(&stat))
        })
    }

    /// The name stands in parentheses and may contain spaces and parentheses itself: the fields begin after the last
    /// one.
    fn parse(stat: &[u8]) -> Option<Self> {
        let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
        let fields = str::from_utf8(stat.get(name_ends + 1..)?).ok()?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        // The state is field 3; the parent, the group and the session follow. The threads are field 20, the start time
        // field 22.
        let parent = fields.next()?.parse().ok()?;
        // Both are -1 for a process that is being removed.
        let leader = |field: &str| Some(u32::try_from(field.parse::<i64>().ok()?).unwrap_or_default());
        let group = leader(fields.next()?)?;
        let session = leader(fields.next()?)?;
        let threads = fields.nth(13)?.parse().ok()?;
        let start_time = fields.nth(1)?.parse().ok()?;
        Some(Self { state, parent, group, session, threads, start_time })
    }

    /// A zombie whose threads still run has not ended.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X') || self.threads > 1
    }

    /// Whether SIGSTOP has halted it.
    pub(crate) fn is_stopped(&self) -> bool {
        self.state == 'T'
    }

    /// The process that this was read from.
    pub(crate) fn identity(&self, pid: u32) -> ProcessIdentity {
        ProcessIdentity { pid, start_time: self.start_time }
    }
}

fn to_pid(pid: u32) -> Result<Pid> {
    i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| Error::invalid("pid", pid, "a process id, 1 or greater"))
}

/// Whether this error of `/proc` means that a process, or a descriptor of one, no longer exists.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    // A process that ends between open and read gives ESRCH.
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_process_name_does_not_shift_the_fields() {
        let rest = "T 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 158125 20";
        for name in ["sh", "a b", ") R 1 2 3", "x\n) S (", "(((", "\u{fffd}"] {
            let stat = format!("42 ({name}) {rest}\n");
            let expected =
                ProcessStat { state: 'T', parent: 1, group: 2, session: 3, threads: 17, start_time: 158_125 };
            assert_eq!(ProcessStat::parse(stat.as_bytes()), Some(expected), "{name:?}");
        }
        let cleared = b"9678 (readlink) X 0 -1 -1 0 -1 4227084 93 0 0 0 0 0 0 0 20 0 0 0 343090 0 0\n";
        let stat = ProcessStat::parse(cleared).unwrap();
        assert_eq!((stat.group, stat.session, stat.start_time, stat.is_alive()), (0, 0, 343_090, false));
        assert_eq!(ProcessStat::parse(b"42 (\xff\xfe) T 1"), None);
        assert_eq!(ProcessStat::parse(b""), None);
    }

    #[test]
    fn an_identity_has_one_spelling() {
        let identity: ProcessIdentity = "4711.158125".parse().unwrap();
        assert_eq!((identity.pid(), identity.start_time()), (4711, 158_125));
        for text in ["", "1", "1.", ".1", "+1.2", "01.2", "1.2.3", "-1.2", "1.02", "99999999999.1"] {
            let error = text.parse::<ProcessIdentity>().expect_err(text);
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn a_process_that_does_not_exist_is_named() {
        for (pid, kind) in [
            (0, ErrorKind::InvalidInput),
            (u32::MAX, ErrorKind::InvalidInput),
            (0x7fff_fff0, ErrorKind::NotFound),
        ] {
            let error = ProcessIdentity::of_pid(pid).unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(error.to_string().contains(&pid.to_string()), "{error}");
        }
    }
}
