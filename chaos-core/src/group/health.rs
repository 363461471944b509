use std::fmt;

use serde::{Deserialize, Serialize};

/// The health of a target, as its provider sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Health {
    /// It runs and passes its health check.
    Healthy,
    /// It exists, but does not pass its health check.
    Unhealthy,
    /// It exists, does not run, and can be started again.
    Stopped,
    /// It no longer exists.
    Gone,
    /// The health is not known yet. A target with unknown health is never injected into.
    Unknown,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Stopped => "stopped",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        })
    }
}
