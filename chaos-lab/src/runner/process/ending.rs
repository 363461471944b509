use std::{io, os::fd::OwnedFd};

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::{Interest, unix::AsyncFd};

/// Tells when a process ends, by its pidfd.
#[derive(Debug)]
pub(super) struct Ending(OwnedFd);

/// Tells one waiter that a process may have ended.
#[derive(Debug)]
pub(super) struct Watch(AsyncFd<OwnedFd>);

impl Ending {
    /// Of a child that has not been waited for, so that its id is its own.
    pub(super) fn of(child: Pid) -> io::Result<Self> {
        Ok(Self(pidfd_open(child, PidfdFlags::empty())?))
    }

    #[expect(
        deprecated,
        reason = "its successor is unsafe because a descriptor might be closed too early, which an OwnedFd rules out"
    )]
    pub(super) fn watch(&self) -> io::Result<Watch> {
        // A duplicate, because a runtime watches each descriptor only once.
        Ok(Watch(AsyncFd::with_interest(self.0.try_clone()?, Interest::READABLE)?))
    }
}

impl Watch {
    /// Returns when the process may have ended since the last time.
    pub(super) async fn changed(&mut self) -> io::Result<()> {
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}
