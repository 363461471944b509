use std::io;

use rustix::{
    process::getpgrp,
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr},
};

/// Keeps the terminal on standard error from showing `^C` until it is dropped. `^C` would move the cursor off the live
/// lines, and the next redraw would leave one behind.
#[derive(Debug)]
pub(super) struct Unechoed {
    /// The settings to restore.
    before: Option<Termios>,
}

impl Unechoed {
    pub(super) fn on_stderr() -> Self {
        let before = is_ours().then(|| tcgetattr(io::stderr()).ok()).flatten();
        if let Some(before) = &before {
            let mut modes = before.clone();
            modes.local_modes.remove(LocalModes::ECHOCTL);
            // If the settings cannot be changed, a line may stay behind.
            let _ = tcsetattr(io::stderr(), OptionalActions::Now, &modes);
        }
        Self { before }
    }
}

impl Drop for Unechoed {
    fn drop(&mut self) {
        if let Some(before) = self.before.as_ref().filter(|_| is_ours()) {
            let _ = tcsetattr(io::stderr(), OptionalActions::Now, before);
        }
    }
}

/// Whether this process is in the foreground of the terminal. A process in the background would be stopped for
/// changing it.
fn is_ours() -> bool {
    tcgetpgrp(io::stderr()).is_ok_and(|foreground| foreground == getpgrp())
}
