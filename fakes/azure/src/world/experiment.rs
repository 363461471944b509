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
    /// What they do, as `properties.steps` has it. The fake does nothing of it.
    #[serde(default = "defaults::nothing")]
    pub steps: serde_json::Value,
    /// On what, as `properties.selectors` has it.
    #[serde(default = "defaults::nothing")]
    pub selectors: serde_json::Value,
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
            steps: defaults::nothing(),
            selectors: defaults::nothing(),
        }
    }

    /// One whose executions last that long.
    #[must_use]
    pub fn lasting(mut self, duration: std::time::Duration) -> Self {
        self.lasts_milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// One that is defined like this: `properties.steps` and `properties.selectors`.
    #[must_use]
    pub fn defined(mut self, steps: serde_json::Value, selectors: serde_json::Value) -> Self {
        (self.steps, self.selectors) = (steps, selectors);
        self
    }

    /// One whose executions fail at their end.
    #[must_use]
    pub fn failing(mut self) -> Self {
        self.fails = true;
        self
    }
}
