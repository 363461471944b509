//! Settings of the fake for behaviour of Azure that varies.

use serde::{Deserialize, Serialize};

use super::operation::Pace;

/// Settings that hold from the next request on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// The number of entries on one page of a listing or of a query. Default: 200.
    pub page_size: usize,
    /// The time at which operations end. Default: 20 milliseconds after they began.
    pub pace: Pace,
    /// The value of `Retry-After` while an operation is in progress, in seconds. Default: 0.
    pub retry_after_seconds: u64,
    /// The time until an automatic repair or an autoscale setting replaces missing instances, in milliseconds. Default:
    /// 100.
    pub repair_milliseconds: u64,
    /// The time for which Run Command waits for a script, in milliseconds. Default: 90 minutes.
    pub script_limit_milliseconds: u64,
    /// The time until a script begins, in milliseconds. Default: 0. In Azure, a script takes at least about 20 seconds
    /// in all.
    pub script_delay_milliseconds: u64,
    /// Whether the output of scripts comes back only while security groups let the machine open connections to Azure's
    /// public addresses on port 443, as Microsoft documents. Default: true. If it can, the agent of Linux machines
    /// reports through its host instead, to which no group applies.
    pub results_need_internet: bool,
    /// The lifetime of issued tokens, in seconds. Default: 3599.
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
