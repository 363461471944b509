use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::Child,
    time::Duration,
};

use chaos_core::{Error, ErrorKind, Result};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use tokio::io::{Interest, unix::AsyncFd};

use crate::model::identity::{ProcessIdentity, ProcessStat};

/// A handle of one process: a signal sent through it reaches this process or none.
#[derive(Debug)]
pub(crate) struct ProcessHandle {
    identity: ProcessIdentity,
    pidfd: OwnedFd,
}

/// The activity of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// It runs, or waits for something.
    Running,
    /// SIGSTOP halted it.
    Stopped,
    /// It has ended.
    Ended,
}

impl ProcessHandle {
    /// Opens a handle of a process; `None` if it has ended.
    pub(crate) fn open(identity: ProcessIdentity) -> Result<Option<Self>> {
        let pidfd = match pidfd_open(identity.raw_pid()?, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            // The latter if the id now belongs to a thread of some process.
            Err(Errno::SRCH | Errno::NOENT | Errno::INVAL) => return Ok(None),
            Err(error) => return Err(unavailable("a process cannot be opened", identity, error)),
        };
        let handle = Self { identity, pidfd };
        // The start time is read after the pidfd was opened: a process that got the id in between would have started
        // later than the requested one.
        Ok((handle.activity()? != Activity::Ended).then_some(handle))
    }

    /// Opens a handle of a child that has not been waited for, so its id is still its own even if it has ended.
    pub(crate) fn of_child(child: &Child) -> Result<Self> {
        Self::of_unreaped(child.id())
    }

    /// As [`of_child`](ProcessHandle::of_child), by the id of such a child.
    pub(crate) fn of_unreaped(pid: u32) -> Result<Self> {
        let identity = ProcessIdentity::of_pid(pid)?;
        match pidfd_open(identity.raw_pid()?, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Self { identity, pidfd }),
            Err(error) => Err(unavailable("a child cannot be opened", identity, error)),
        }
    }

    pub(crate) fn identity(&self) -> ProcessIdentity {
        self.identity
    }

    /// Its current activity.
    ///
    /// # Errors
    /// `Denied` if it is alive but cannot be seen: `/proc` may hide the processes of others (`hidepid`).
    pub(crate) fn activity(&self) -> Result<Activity> {
        if self.has_ended()? {
            return Ok(Activity::Ended);
        }
        match ProcessStat::read(self.identity.pid()) {
            Ok(Some(stat)) if stat.start_time != self.identity.start_time() => Ok(Activity::Ended),
            Ok(Some(stat)) if stat.is_stopped() => Ok(Activity::Stopped),
            Ok(Some(_)) => Ok(Activity::Running),
            Ok(None) if self.has_ended()? => Ok(Activity::Ended),
            Ok(None) => Err(self.hidden()),
            Err(error) if error.kind() == ErrorKind::Denied => Err(self.hidden().caused_by(error)),
            Err(error) => Err(error),
        }
    }

    fn hidden(&self) -> Error {
        let what = "a process with this id is hidden from this user, so it is unknown whether it is the expected one; \
            try again as root or as the owner of the process";
        Error::new(ErrorKind::Denied, what).with("process", self.identity)
    }

    /// Sends a signal. Returns whether the process still existed.
    pub(crate) fn signal(&self, signal: Signal) -> Result<bool> {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error @ (Errno::PERM | Errno::ACCESS)) => {
                Err(Error::new(ErrorKind::Denied, "this user has no permission to signal the process")
                    .with("process", self.identity)
                    .caused_by(error))
            }
            Err(error) => Err(unavailable("a process cannot be signalled", self.identity, error)),
        }
    }

    /// Returns when the process has ended.
    ///
    /// Cancel safe: it only looks. Needs a tokio runtime with its I/O driver.
    #[expect(
        deprecated,
        reason = "its successor is unsafe because a descriptor might be closed too early, which an OwnedFd rules out"
    )]
    pub(crate) async fn ended(&self) -> Result<()> {
        let failed = |error| unavailable("the end of a process cannot be awaited", self.identity, error);
        // A duplicated descriptor, because a runtime watches each only once, and several tasks may wait for this
        // process.
        let pidfd = self.pidfd.try_clone().map_err(failed)?;
        let pidfd = AsyncFd::with_interest(pidfd, Interest::READABLE).map_err(failed)?;
        loop {
            let mut readable = pidfd.readable().await.map_err(failed)?;
            if self.has_ended()? {
                return Ok(());
            }
            readable.clear_ready();
        }
    }

    /// A pidfd becomes readable when its process ends, see pidfd_open(2). A look at the state letter would mistake a
    /// process whose first thread alone has ended.
    fn has_ended(&self) -> Result<bool> {
        self.has_ended_within(Duration::ZERO)
    }

    /// Waits for its end, and blocks the thread meanwhile.
    pub(crate) fn has_ended_within(&self, limit: Duration) -> Result<bool> {
        let mut polled = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let limit = Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(limit.subsec_nanos()),
        };
        match rustix::io::retry_on_intr(|| poll(&mut polled, Some(&limit))) {
            Ok(_) => Ok(!polled[0].revents().is_empty()),
            Err(error) => Err(unavailable("a process cannot be watched", self.identity, error)),
        }
    }
}

impl AsFd for ProcessHandle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

fn unavailable(
    what: &'static str,
    identity: ProcessIdentity,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::new(ErrorKind::Unavailable, what).with("process", identity).caused_by(error)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// It ends with the test, even if the test fails.
    struct Sleeper(Child);

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[tokio::test]
    async fn another_start_time_is_another_process() {
        let mut child = Sleeper(Command::new("sleep").arg("600").spawn().unwrap());
        let identity = ProcessIdentity::of_pid(child.0.id()).unwrap();
        let impostor: ProcessIdentity =
            format!("{}.{}", identity.pid(), identity.start_time() + 1).parse().unwrap();
        assert!(ProcessHandle::open(impostor).unwrap().is_none());

        let handle = ProcessHandle::open(identity).unwrap().expect("it lives");
        assert!(handle.signal(Signal::KILL).unwrap());
        handle.ended().await.unwrap();
        // Not waited for yet: a zombie keeps its id, but counts as gone.
        assert_eq!(handle.activity().unwrap(), Activity::Ended);
        assert!(ProcessHandle::open(identity).unwrap().is_none());
        child.0.wait().unwrap();
        assert!(!handle.signal(Signal::KILL).unwrap());
        assert!(ProcessHandle::open(identity).unwrap().is_none());
    }
}
