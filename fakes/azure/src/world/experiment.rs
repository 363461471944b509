//! An experiment to be added.

use serde::{Deserialize, Serialize};

use super::defaults;

/// A chaos experiment of Azure Chaos Studio.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewExperiment {
    /// The resource group, created if it is missing.
    pub resource_group: String,
    /// The experiment's name.
    pub name: String,
    /// The subscription. Default: the fake's own.
    #[serde(default = "defaults::own_subscription")]
    pub subscription: String,
    /// The duration of one execution, in milliseconds.
    #[serde(default)]
    pub lasts_milliseconds: u64,
    /// Whether executions fail at their end.
    #[serde(default)]
    pub fails: bool,
    /// The steps of the executions, in the form of `properties.steps`. The fake does not carry them out.
    #[serde(default = "defaults::nothing")]
    pub steps: serde_json::Value,
    /// Their targets, in the form of `properties.selectors`.
    #[serde(default = "defaults::nothing")]
    pub selectors: serde_json::Value,
}

impl NewExperiment {
    /// An experiment whose executions succeed at once.
    pub fn new(resource_group: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            resource_group: resource_group.into(),
            name: name.into(),
            subscription: defaults::own_subscription(),
            lasts_milliseconds: 0,
            fails: false,
            steps: defaults::nothing(),
            selectors: defaults::nothing(),
        }
    }

    /// With executions that last this long.
    #[must_use]
    pub fn lasting(mut self, duration: std::time::Duration) -> Self {
        self.lasts_milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// With this definition: `properties.steps` and `properties.selectors`.
    #[must_use]
    pub fn defined(mut self, steps: serde_json::Value, selectors: serde_json::Value) -> Self {
        (self.steps, self.selectors) = (steps, selectors);
        self
    }

    /// With executions that fail at their end.
    #[must_use]
    pub fn failing(mut self) -> Self {
        self.fails = true;
        self
    }
}
