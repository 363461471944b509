//! All kinds of resources that can be put into the fake.

use serde::{Deserialize, Serialize};

use super::{NewAvailabilitySet, NewExperiment, NewScaleSet, NewSubscription};

/// A resource that can be put into the fake.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum New {
    /// An availability set with its machines.
    AvailabilitySet(NewAvailabilitySet),
    /// A scale set with its instances.
    ScaleSet(NewScaleSet),
    /// An experiment.
    Experiment(NewExperiment),
    /// A subscription.
    Subscription(NewSubscription),
}

impl From<NewAvailabilitySet> for New {
    fn from(set: NewAvailabilitySet) -> Self {
        Self::AvailabilitySet(set)
    }
}

impl From<NewScaleSet> for New {
    fn from(set: NewScaleSet) -> Self {
        Self::ScaleSet(set)
    }
}

impl From<NewExperiment> for New {
    fn from(experiment: NewExperiment) -> Self {
        Self::Experiment(experiment)
    }
}

impl From<NewSubscription> for New {
    fn from(subscription: NewSubscription) -> Self {
        Self::Subscription(subscription)
    }
}
