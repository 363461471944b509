//! A scale set to be added.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{SecurityGroups, defaults};
use crate::OperatingSystem;

/// A scale set with its instances.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewScaleSet {
    /// The resource group, created if it is missing.
    pub resource_group: String,
    /// The scale set's name.
    pub name: String,
    /// The subscription. Default: the fake's own.
    #[serde(default = "defaults::own_subscription")]
    pub subscription: String,
    /// The number of instances.
    #[serde(default)]
    pub capacity: u32,
    /// Uniform or flexible.
    #[serde(default)]
    pub orchestration: Orchestration,
    /// The tags of the scale set and its instances.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The region.
    #[serde(default = "defaults::west_europe")]
    pub location: String,
    /// The zones that the instances are spread over; none for a regional scale set.
    #[serde(default)]
    pub zones: Vec<String>,
    /// The number of fault domains, which are racks: 1 to 5.
    #[serde(default = "defaults::five")]
    pub fault_domains: u32,
    /// Of all instances.
    #[serde(default)]
    pub system: OperatingSystem,
    /// Of all instances.
    #[serde(default)]
    pub security_groups: SecurityGroups,
    /// Whether instances that do not run are replaced after the grace period.
    #[serde(default)]
    pub automatic_repairs: bool,
    /// The number of instances that an autoscale setting holds the set at, if any.
    #[serde(default)]
    pub held_at: Option<u32>,
    /// Whether its instances are spot ones.
    #[serde(default)]
    pub spot: bool,
}

impl NewScaleSet {
    /// An empty uniform one in `westeurope`, which replaces nothing.
    pub fn new(resource_group: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            resource_group: resource_group.into(),
            name: name.into(),
            subscription: defaults::own_subscription(),
            capacity: 0,
            orchestration: Orchestration::default(),
            tags: BTreeMap::new(),
            location: defaults::west_europe(),
            zones: Vec::new(),
            fault_domains: defaults::five(),
            system: OperatingSystem::default(),
            security_groups: SecurityGroups::default(),
            automatic_repairs: false,
            held_at: None,
            spot: false,
        }
    }

    /// With this many instances.
    #[must_use]
    pub fn capacity(mut self, instances: u32) -> Self {
        self.capacity = instances;
        self
    }

    /// With flexible orchestration.
    #[must_use]
    pub fn flexible(mut self) -> Self {
        self.orchestration = Orchestration::Flexible;
        self
    }

    /// In another subscription, created if it is missing.
    #[must_use]
    pub fn subscription(mut self, id: impl Into<String>) -> Self {
        self.subscription = id.into();
        self
    }

    /// With a tag on the scale set and each of its instances.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// In another region.
    #[must_use]
    pub fn location(mut self, location: impl Into<String>) -> Self {
        self.location = location.into();
        self
    }

    /// Spread over these zones.
    #[must_use]
    pub fn zones(mut self, zones: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.zones = zones.into_iter().map(Into::into).collect();
        self
    }

    /// With machines of this system.
    #[must_use]
    pub fn system(mut self, system: OperatingSystem) -> Self {
        self.system = system;
        self
    }

    /// With network security groups like this.
    #[must_use]
    pub fn security_groups(mut self, groups: SecurityGroups) -> Self {
        self.security_groups = groups;
        self
    }

    /// With automatic instance repairs: an instance that does not run is deleted after
    /// [`repair_delay`](crate::Settings::repair_milliseconds), and another takes its place.
    #[must_use]
    pub fn automatic_repairs(mut self) -> Self {
        self.automatic_repairs = true;
        self
    }

    /// With spot instances.
    #[must_use]
    pub fn spot(mut self) -> Self {
        self.spot = true;
        self
    }

    /// With an autoscale setting whose minimum and maximum are both `instances`: missing instances are added after
    /// [`repair_delay`](crate::Settings::repair_milliseconds).
    #[must_use]
    pub fn held_at(mut self, instances: u32) -> Self {
        self.held_at = Some(instances);
        self
    }
}

/// The orchestration mode of a scale set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Orchestration {
    /// Instances from `0` on, below the scale set.
    #[default]
    Uniform,
    /// Independent virtual machines, which name the scale set.
    Flexible,
}
