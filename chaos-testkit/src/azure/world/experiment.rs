//! An experiment to be.

use serde::{Deserialize, Serialize};

use super::defaults;

/// A chaos experiment of Azure Chaos Studio.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewExperiment {
    /// The resource group, made where it is missing.
    pub resource_group: String,
    /// The experiment's name.
    pub name: String,
    /// The subscription; the fake's own where left out.
    #[serde(default = "defaults::own_subscription")]
    pub subscription: String,
    /// How long one execution lasts, in milliseconds.
    #[serde(default)]
    pub lasts_milliseconds: u64,
    /// Whether executions fail at their end.
    #[serde(default)]
    pub fails: bool,
}

impl NewExperiment {
    /// One whose executions succeed at once.
    pub fn new(resource_group: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            resource_group: resource_group.into(),
            name: name.into(),
            subscription: defaults::own_subscription(),
            lasts_milliseconds: 0,
            fails: false,
        }
    }

    /// One whose executions last that long.
    #[must_use]
    pub fn lasting(mut self, duration: std::time::Duration) -> Self {
        self.lasts_milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// One whose executions fail at their end.
    #[must_use]
    pub fn failing(mut self) -> Self {
        self.fails = true;
        self
    }
}
