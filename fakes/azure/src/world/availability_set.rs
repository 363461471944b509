//! An availability set to be added.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{SecurityGroups, defaults};
use crate::OperatingSystem;

/// An availability set with its machines.
///
/// The machines have the names `NAME-0`, `NAME-1` and so on. They run, and are spread over the fault and update domains
/// in turn.
///
/// ```
/// use fake_azure::{FakeArm, NewAvailabilitySet};
///
/// let fake = FakeArm::start()?;
/// fake.add(NewAvailabilitySet::new("shop", "web").machines(3).tag("tier", "web"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewAvailabilitySet {
    /// The resource group, created if it is missing.
    pub resource_group: String,
    /// The set's name.
    pub name: String,
    /// The subscription. Default: the fake's own.
    #[serde(default = "defaults::own_subscription")]
    pub subscription: String,
    /// The number of machines.
    #[serde(default)]
    pub machines: u32,
    /// The tags of the set and its machines.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The region.
    #[serde(default = "defaults::west_europe")]
    pub location: String,
    /// The number of fault domains, which are racks: 1 to 3.
    #[serde(default = "defaults::two")]
    pub fault_domains: u32,
    /// The number of update domains, whose machines are updated together: 1 to 20.
    #[serde(default = "defaults::five")]
    pub update_domains: u32,
    /// Of all machines.
    #[serde(default)]
    pub system: OperatingSystem,
    /// Of all machines.
    #[serde(default)]
    pub security_groups: SecurityGroups,
}

impl NewAvailabilitySet {
    /// An empty set in `westeurope`, with two fault domains and five update domains.
    pub fn new(resource_group: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            resource_group: resource_group.into(),
            name: name.into(),
            subscription: defaults::own_subscription(),
            machines: 0,
            tags: BTreeMap::new(),
            location: defaults::west_europe(),
            fault_domains: defaults::two(),
            update_domains: defaults::five(),
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

    /// In another subscription, created if it is missing.
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
