use std::time::Duration;

use super::CapabilitySet;

/// The question of [`Target::may_undo`](crate::group::Target::may_undo): what would have to be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undo {
    /// The capabilities that the event requires, such as stop and start, or a shell.
    pub requires: CapabilitySet,
    /// How long from now the recovery may run: the time for approvals, the hold, and the recovery's budget. Credentials
    /// with a known expiry must last that long.
    pub within: Duration,
}

impl Undo {
    /// An event with these required capabilities, undone within this time from now.
    pub fn new(requires: CapabilitySet, within: Duration) -> Self {
        Self { requires, within }
    }
}
