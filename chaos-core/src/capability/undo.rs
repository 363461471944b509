use std::time::Duration;

use super::CapabilitySet;

/// What would have to be undone: the question of [`Target::may_undo`](crate::group::Target::may_undo).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undo {
    /// What the event requires, such as to stop and to start, or a shell.
    pub requires: CapabilitySet,
    /// How long from now the recovery may take place: what approvals may take, the hold, and the recovery's budget.
    /// Credentials whose end is known must last for as long.
    pub within: Duration,
}

impl Undo {
    /// An event that requires this, undone within so long from now.
    pub fn new(requires: CapabilitySet, within: Duration) -> Self {
        Self { requires, within }
    }
}
