use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a hold ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CutShort {
    /// The caller dropped the future, or the monkey is shutting down.
    Cancelled,
    /// Everything is halted.
    Halted,
    /// The injection failed, or its outcome could not be recorded.
    InjectionFailed,
    /// It was seen to be over before its time: the process that held it was killed, or somebody else undid it.
    EndedEarly,
    /// Another process recovered it before its deadline: the process that held it had ended, or a person took it over.
    TakenOver,
    /// The system was not steady: a probe of the [steady state](crate::steady_state) was violated.
    NotSteady,
    /// It was not known whether the system is steady: a probe of the [steady state](crate::steady_state) could not
    /// look.
    InDoubt,
}

impl fmt::Display for CutShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "the run was cancelled",
            Self::Halted => "everything is halted",
            Self::InjectionFailed => "the injection failed",
            Self::EndedEarly => "it ended before its time",
            Self::TakenOver => {
                "another process recovered it before its deadline: the process that held it had ended, or a person \
                 took it over"
            }
            Self::NotSteady => "the system was not steady",
            Self::InDoubt => "it was not known whether the system was steady",
        })
    }
}
