use std::io;

use rustix::process::Pid;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Tells when a process may have ended: whenever a child of this one has.
#[derive(Debug)]
pub(super) struct Ending {}

/// Tells one waiter that a process may have ended.
#[derive(Debug)]
pub(super) struct Watch(Signal);

impl Ending {
    pub(super) fn of(_child: Pid) -> io::Result<Self> {
        Ok(Self {})
    }

    pub(super) fn watch(&self) -> io::Result<Watch> {
        signal(SignalKind::child()).map(Watch)
    }
}

impl Watch {
    /// Returns when the process may have ended since the last time.
    pub(super) async fn changed(&mut self) -> io::Result<()> {
        self.0.recv().await;
        Ok(())
    }
}
