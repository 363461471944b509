use std::fs;

use chaos_core::{Error, ErrorKind, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, SIGTERM, SIGQUIT and the hang-up of a terminal, which from then on do not end this process by themselves.
#[derive(Debug)]
pub struct Interrupt {
    ctrl_c: Signal,
    terminate: Signal,
    quit: Signal,
    hang_up: HangUp,
}

/// SIGHUP: the terminal was closed, or the connection was lost.
#[derive(Debug)]
enum HangUp {
    /// It was ignored when this process was started, as `nohup` does.
    Ignored,
    /// The terminal emulator, the shell and the kernel each send it when a terminal is closed: all of them count as
    /// one.
    Awaited(Signal),
    Over,
}

impl Interrupt {
    /// Starts to listen.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn listen() -> Result<Self> {
        let hang_up = if is_ignored(SignalKind::hangup()) {
            HangUp::Ignored
        } else {
            HangUp::Awaited(listen_for(SignalKind::hangup())?)
        };
        Ok(Self {
            ctrl_c: listen_for(SignalKind::interrupt())?,
            terminate: listen_for(SignalKind::terminate())?,
            quit: listen_for(SignalKind::quit())?,
            hang_up,
        })
    }

    /// Ignores a closed terminal, for work that must finish whether anybody watches or not.
    #[must_use]
    pub fn despite_hang_up(mut self) -> Self {
        self.hang_up = HangUp::Over;
        self
    }

    /// Returns at the next signal. A terminal is closed only once.
    ///
    /// Cancel safe: a signal between two calls is not lost.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.ctrl_c.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.quit.recv() => {}
            () = self.hang_up.next() => {}
        }
    }
}

impl HangUp {
    async fn next(&mut self) {
        if let Self::Awaited(signal) = self {
            signal.recv().await;
            *self = Self::Over;
            return;
        }
        std::future::pending().await
    }
}

/// Listens for one kind of signal, which from then on does not end this process by itself.
///
/// # Errors
/// If the operating system refuses.
pub(crate) fn listen_for(kind: SignalKind) -> Result<Signal> {
    signal(kind).map_err(|error| {
        Error::new(ErrorKind::Unavailable, "this process cannot listen for signals").caused_by(error)
    })
}

/// Whether this process was started with a signal ignored. If that cannot be read, it was not.
pub fn is_ignored(signal: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal.as_raw_value() - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_told() {
        // The standard library has every program ignore it.
        assert!(is_ignored(SignalKind::pipe()));
        assert!(!is_ignored(SignalKind::user_defined1()));
    }
}
