//! What a test puts into the fake.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::machine::OperatingSystem;

/// How the machines of a set come by a network security group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecurityGroups {
    /// Neither their interfaces nor their subnet have one.
    None,
    /// Each interface has one of its own, `NAME-nsg`.
    #[default]
    PerMachine,
    /// All interfaces of the set share one, `SET-nsg`.
    Shared,
    /// The interfaces have none, but their subnet has `SET-nsg`.
    Subnet,
}

/// An availability set with its machines.
///
/// The machines are called `NAME-0` and on, run, and are spread over the fault and update domains in turn.
///
/// ```
/// use chaos_testkit::azure::{FakeArm, NewAvailabilitySet};
///
/// let fake = FakeArm::start()?;
/// fake.add(NewAvailabilitySet::new("shop", "web").machines(3).tag("tier", "web"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewAvailabilitySet {
    /// The resource group, made where it is missing.
    pub resource_group: String,
    /// The set's name.
    pub name: String,
    /// The subscription; the fake's own where left out.
    #[serde(default = "own_subscription")]
    pub subscription: String,
    /// How many machines.
    #[serde(default)]
    pub machines: u32,
    /// Of the set and its machines.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The region.
    #[serde(default = "west_europe")]
    pub location: String,
    /// Racks; 1 to 3.
    #[serde(default = "two")]
    pub fault_domains: u32,
    /// Groups that are updated together; 1 to 20.
    #[serde(default = "five")]
    pub update_domains: u32,
    /// Of all machines.
    #[serde(default)]
    pub system: OperatingSystem,
    /// Of all machines.
    #[serde(default)]
    pub security_groups: SecurityGroups,
}

impl NewAvailabilitySet {
    /// An empty one in `westeurope`, with two fault domains and five update domains.
    pub fn new(resource_group: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            resource_group: resource_group.into(),
            name: name.into(),
            subscription: own_subscription(),
            machines: 0,
            tags: BTreeMap::new(),
            location: west_europe(),
            fault_domains: two(),
            update_domains: five(),
            system: OperatingSystem::default(),
            security_groups: SecurityGroups::default(),
        }
    }

    /// With this many machines.
    #[must_use]
    pub fn machines(mut self, machines: u32) -> Self {
        self.machines = machines;
        self
    }

    /// In another subscription, made where it is missing.
    #[must_use]
    pub fn subscription(mut self, id: impl Into<String>) -> Self {
        self.subscription = id.into();
        self
    }

    /// With a tag on the set and each of its machines.
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

    /// With this many fault domains.
    #[must_use]
    pub fn fault_domains(mut self, count: u32) -> Self {
        self.fault_domains = count;
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
}

/// How the machines of a scale set are managed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Orchestration {
    /// Instances `0` and on, below the scale set.
    #[default]
    Uniform,
    /// Virtual machines of their own, which name the scale set.
    Flexible,
}

/// A scale set with its instances.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewScaleSet {
    /// The resource group, made where it is missing.
    pub resource_group: String,
    /// The scale set's name.
    pub name: String,
    /// The subscription; the fake's own where left out.
    #[serde(default = "own_subscription")]
    pub subscription: String,
    /// How many instances.
    #[serde(default)]
    pub capacity: u32,
    /// Uniform or flexible.
    #[serde(default)]
    pub orchestration: Orchestration,
    /// Of the scale set and its instances.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The region.
    #[serde(default = "west_europe")]
    pub location: String,
    /// The instances are spread over them; none for a scale set of the region.
    #[serde(default)]
    pub zones: Vec<String>,
    /// Racks; 1 to 5.
    #[serde(default = "five")]
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
    /// Whether something outside, an autoscale setting, holds the set at this number of instances.
    #[serde(default)]
    pub held_at: Option<u32>,
}

impl NewScaleSet {
    /// An empty uniform one in `westeurope`, which replaces nothing.
    pub fn new(resource_group: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            resource_group: resource_group.into(),
            name: name.into(),
            subscription: own_subscription(),
            capacity: 0,
            orchestration: Orchestration::default(),
            tags: BTreeMap::new(),
            location: west_europe(),
            zones: Vec::new(),
            fault_domains: five(),
            system: OperatingSystem::default(),
            security_groups: SecurityGroups::default(),
            automatic_repairs: false,
            held_at: None,
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

    /// In another subscription, made where it is missing.
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
    /// [`repair_delay`](super::Settings::repair_milliseconds), and another takes its place.
    #[must_use]
    pub fn automatic_repairs(mut self) -> Self {
        self.automatic_repairs = true;
        self
    }

    /// With an autoscale setting whose lowest and highest number are both `instances`: what is missing is added after
    /// [`repair_delay`](super::Settings::repair_milliseconds).
    #[must_use]
    pub fn held_at(mut self, instances: u32) -> Self {
        self.held_at = Some(instances);
        self
    }
}

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
    #[serde(default = "own_subscription")]
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
            subscription: own_subscription(),
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

/// Another subscription.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewSubscription {
    /// Its id.
    pub id: String,
    /// The tenant that it belongs to; the fake's own where left out.
    #[serde(default = "own_tenant")]
    pub tenant: String,
}

impl NewSubscription {
    /// One of the fake's own tenant.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), tenant: own_tenant() }
    }

    /// One of another tenant, for which the fake's tokens are not good.
    #[must_use]
    pub fn of_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }
}

/// Anything that can be put into the fake.
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

fn own_tenant() -> String {
    super::FakeArm::TENANT.to_owned()
}

fn own_subscription() -> String {
    super::FakeArm::SUBSCRIPTION.to_owned()
}

fn west_europe() -> String {
    "westeurope".to_owned()
}

fn two() -> u32 {
    2
}

fn five() -> u32 {
    5
}
