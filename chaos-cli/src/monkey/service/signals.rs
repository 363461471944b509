use std::{
    future::pending,
    io::{self, IsTerminal},
};

use chaos_core::Result;
use tokio::signal::unix::{Signal, SignalKind};

use crate::program::{is_ignored, listen_for};

/// What a signal asks of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// SIGTERM, SIGINT and SIGQUIT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// The signals of a service.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    /// None if it was ignored when this process was started, as `nohup` does.
    hang_up: Option<Signal>,
    /// Whether a closed terminal is what SIGHUP means.
    is_at_terminal: bool,
}

impl Signals {
    /// Starts to listen.
    pub(super) fn listen() -> Result<Self> {
        let is_ignored = is_ignored(SignalKind::hangup());
        Ok(Self {
            interrupt: listen_for(SignalKind::interrupt())?,
            terminate: listen_for(SignalKind::terminate())?,
            quit: listen_for(SignalKind::quit())?,
            hang_up: if is_ignored { None } else { Some(listen_for(SignalKind::hangup())?) },
            is_at_terminal: io::stdin().is_terminal() || io::stderr().is_terminal(),
        })
    }

    /// Returns at the next signal.
    ///
    /// Cancel safe: a signal between two calls is not lost.
    pub(super) async fn next(&mut self) -> Order {
        tokio::select! {
            _ = self.interrupt.recv() => Order::Stop,
            _ = self.terminate.recv() => Order::Stop,
            _ = self.quit.recv() => Order::Stop,
            () = hung_up(&mut self.hang_up) => if self.is_at_terminal { Order::Stop } else { Order::Reload },
        }
    }
}

async fn hung_up(hang_up: &mut Option<Signal>) {
    match hang_up {
        Some(signal) => {
            signal.recv().await;
        }
        None => pending().await,
    }
}
