use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The state of a fault.
///
/// `Armed → Injecting → Active → Recovering → Recovered | RecoveryFailed`. Recovery is allowed from every
/// state, and a failed recovery may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultState {
    /// The recovery is durable, and nothing has been done to the target.
    Armed,
    /// The injection has begun. It is unknown whether it has happened.
    Injecting,
    /// The injection returned, with success or without.
    Active,
    /// The target is being brought back.
    Recovering,
    /// The target was seen to be back, or to be gone with nothing left to undo.
    Recovered,
    /// The target could not be brought back. It gets no new fault until a person or a later replay has mended it.
    RecoveryFailed,
}

impl FaultState {
    /// Every state, in order.
    pub const ALL: [Self; 6] =
        [Self::Armed, Self::Injecting, Self::Active, Self::Recovering, Self::Recovered, Self::RecoveryFailed];

    /// Whether something may still have to be undone.
    pub fn is_pending(self) -> bool {
        self != Self::Recovered
    }

    /// Whether a fault may go from this state to `next`.
    ///
    /// Injecting is allowed from `Armed` alone, so no process injects a fault that another process has recovered.
    /// Recovery may begin in every state, and its end may be recorded twice.
    pub fn may_become(self, next: Self) -> bool {
        match next {
            Self::Armed => false,
            Self::Injecting => self == Self::Armed,
            Self::Active => self == Self::Injecting,
            Self::Recovering => true,
            Self::Recovered | Self::RecoveryFailed => self == Self::Recovering || self == next,
        }
    }
}

impl fmt::Display for FaultState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Armed => "armed",
            Self::Injecting => "injecting",
            Self::Active => "active",
            Self::Recovering => "recovering",
            Self::Recovered => "recovered",
            Self::RecoveryFailed => "recovery-failed",
        })
    }
}

impl FromStr for FaultState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|state| state.to_string() == text).ok_or_else(|| {
            let expected = "armed, injecting, active, recovering, recovered or recovery-failed";
            Error::invalid("fault state", format!("{text:?}"), expected)
        })
    }
}
