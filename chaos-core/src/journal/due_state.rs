use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What came of a due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DueState {
    /// It is still to come, or is tried.
    Open,
    /// Its day ended, and nothing was injected for it.
    Missed,
    /// A rehearsing monkey would have carried it out.
    WouldHaveBeen,
    /// A fault was injected for it, or may have been.
    CarriedOut,
}

impl DueState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Open, Self::Missed, Self::WouldHaveBeen, Self::CarriedOut];
}

impl fmt::Display for DueState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Missed => "missed",
            Self::WouldHaveBeen => "would-have-been",
            Self::CarriedOut => "carried-out",
        })
    }
}

impl FromStr for DueState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|state| state.to_string() == text).ok_or_else(|| {
            Error::invalid(
                "state of a due",
                format!("{text:?}"),
                "open, missed, would-have-been or carried-out",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_back_from_their_text_and_from_json() {
        for state in DueState::ALL {
            assert_eq!(state.to_string().parse::<DueState>().unwrap(), state);
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
        }
    }
}
