use std::io::{self, IsTerminal};

use chaos_lab::run::{ActivityRun, Follow};

use super::summary::{complain, line};

/// Shows the steps on the terminal as they happen.
#[derive(Debug)]
pub(super) struct OnTerminal;

impl OnTerminal {
    /// Unless standard error is no terminal.
    pub(super) fn is_there() -> bool {
        io::stderr().is_terminal()
    }
}

impl Follow for OnTerminal {
    fn begins(&self, activity: &ActivityRun, is_rollback: bool) {
        complain(&format!("{}: {} ...", section(is_rollback), activity.name));
    }

    fn ended(&self, activity: &ActivityRun, is_rollback: bool) {
        complain(&line(section(is_rollback), activity));
    }
}

fn section(is_rollback: bool) -> &'static str {
    if is_rollback { "rollback" } else { "method" }
}
