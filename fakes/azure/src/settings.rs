//! How the fake behaves where Azure's behaviour differs from day to day.

use serde::{Deserialize, Serialize};

use super::operation::Pace;

/// Settings that hold from the next request on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// How many entries one page of a listing has; 200.
    pub page_size: usize,
    /// When operations end; 20 milliseconds after they began.
    pub pace: Pace,
    /// What `Retry-After` says while an operation is under way, in seconds; 0.
    pub retry_after_seconds: u64,
    /// Until an automatic repair or an autoscale setting replaces what is missing, in milliseconds; 100.
    pub repair_milliseconds: u64,
    /// How long Run Command waits for a script, in milliseconds; 90 minutes.
    pub script_limit_milliseconds: u64,
    /// Until a script begins, in milliseconds; 0. In Azure one takes about 20 seconds in all at least.
    pub script_delay_milliseconds: u64,
    /// Whether what scripts print comes back only while security groups let the machine open connections to Azure's
    /// public addresses on port 443; true. That is what Microsoft documents. The agent of Linux machines reports
    /// through its host instead, for which no group counts, where that works.
    pub results_need_internet: bool,
    /// How long the tokens are good that are handed out, in seconds; 3599.
    pub token_lifetime_seconds: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            page_size: 200,
            pace: Pace::Milliseconds(20),
            retry_after_seconds: 0,
            repair_milliseconds: 100,
            script_limit_milliseconds: 90 * 60 * 1000,
            script_delay_milliseconds: 0,
            results_need_internet: true,
            token_lifetime_seconds: 3599,
        }
    }
}
