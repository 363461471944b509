use std::future::pending;

use chaos_core::Result;
use chaos_lab::run::Interrupt;
use tokio::signal::unix::{Signal, SignalKind};

use crate::program::{is_ignored, listen_for};

/// The signals that interrupt a run.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    /// None if it was ignored when this process was started, as `nohup` does.
    hang_up: Option<Signal>,
    user1: Signal,
    user2: Signal,
    has_come: bool,
}

impl Signals {
    /// Starts to listen.
    pub(super) fn listen() -> Result<Self> {
        Ok(Self {
            interrupt: listen_for(SignalKind::interrupt())?,
            terminate: listen_for(SignalKind::terminate())?,
            quit: listen_for(SignalKind::quit())?,
            hang_up: if is_ignored(SignalKind::hangup()) {
                None
            } else {
                Some(listen_for(SignalKind::hangup())?)
            },
            user1: listen_for(SignalKind::user_defined1())?,
            user2: listen_for(SignalKind::user_defined2())?,
            has_come: false,
        })
    }

    /// Whether one has come.
    pub(super) fn has_come(&self) -> bool {
        self.has_come
    }

    /// Returns at the next signal.
    pub(super) async fn next(&mut self) -> Interrupt {
        let interrupt = tokio::select! {
            _ = self.interrupt.recv() => Interrupt::Interrupt,
            _ = self.terminate.recv() => Interrupt::Terminate,
            _ = self.quit.recv() => Interrupt::Terminate,
            Some(_) = hung_up(&mut self.hang_up) => Interrupt::Terminate,
            _ = self.user1.recv() => Interrupt::User1,
            _ = self.user2.recv() => Interrupt::User2,
        };
        self.has_come = true;
        interrupt
    }
}

/// Returns when the terminal is closed.
async fn hung_up(hang_up: &mut Option<Signal>) -> Option<()> {
    match hang_up {
        Some(signal) => signal.recv().await,
        None => pending().await,
    }
}
