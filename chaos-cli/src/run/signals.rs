use chaos_core::{Error, ErrorKind, Result};
use chaos_lab::run::Interrupt;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that interrupt a run.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    hang_up: Signal,
    user1: Signal,
    user2: Signal,
    has_come: bool,
}

impl Signals {
    /// Starts to listen.
    pub(super) fn listen() -> Result<Self> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Error::new(ErrorKind::Unavailable, "this process cannot listen for signals").caused_by(error)
            })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            quit: listen(SignalKind::quit())?,
            hang_up: listen(SignalKind::hangup())?,
            user1: listen(SignalKind::user_defined1())?,
            user2: listen(SignalKind::user_defined2())?,
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
            _ = self.hang_up.recv() => Interrupt::Terminate,
            _ = self.user1.recv() => Interrupt::User1,
            _ = self.user2.recv() => Interrupt::User2,
        };
        self.has_come = true;
        interrupt
    }
}
