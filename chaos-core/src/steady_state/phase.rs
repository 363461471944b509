use std::fmt;

use serde::{Deserialize, Serialize};

/// A part of a run, as the steady state sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Phase {
    /// Until the injection: nothing is injected into a system that is not well.
    Before,
    /// While at least one fault of the run may be in effect: from the start of the first injection until each target is
    /// back.
    During,
    /// Once every target is back, until the system is steady again.
    After,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 3] = [Self::Before, Self::During, Self::After];
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::During => "during",
            Self::After => "after",
        })
    }
}

/// A set of phases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Phases([bool; 3]);

impl Phases {
    pub(super) const ALL: Self = Self([true; 3]);

    pub(super) fn of(phases: impl IntoIterator<Item = Phase>) -> Self {
        let mut set = Self::default();
        for phase in phases {
            set.0[phase as usize] = true;
        }
        set
    }

    pub(super) fn has(self, phase: Phase) -> bool {
        self.0[phase as usize]
    }

    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }
}
