//! What EC2 knows of an instance.

use aws_sdk_ec2::types::{DeviceType, InstanceLifecycleType, InstanceStateName};
use chaos_core::{Health, Labels};

use crate::AVAILABILITY_ZONE_LABEL;

/// An instance, as far as this crate needs it.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) id: String,
    pub(crate) state: Option<InstanceStateName>,
    /// Its tags, and where it is.
    pub(crate) labels: Labels,
    pub(crate) is_spot: bool,
    /// Its system is on disks of its host, and gone when it stops.
    pub(crate) has_ephemeral_root: bool,
    pub(crate) is_windows: bool,
    pub(crate) interfaces: Vec<Interface>,
}

/// A network interface of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) groups: Vec<SecurityGroup>,
}

/// A security group that a network interface is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SecurityGroup {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// What an auto-scaling group says of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership<'a> {
    /// `InService`, `Pending:Wait` and so on.
    pub(crate) state: &'a str,
    /// `Healthy` or `Unhealthy`, in whichever case.
    pub(crate) health: &'a str,
}

impl Machine {
    pub(crate) fn of(instance: aws_sdk_ec2::types::Instance) -> Option<Self> {
        let id = instance.instance_id?;
        let tags = instance.tags.unwrap_or_default().into_iter();
        let mut labels: Labels =
            tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect();
        if let Some(zone) = instance.placement.and_then(|placement| placement.availability_zone) {
            labels.insert(AVAILABILITY_ZONE_LABEL.to_owned(), zone);
        }
        let mut interfaces: Vec<_> =
            instance.network_interfaces.unwrap_or_default().into_iter().filter_map(Interface::of).collect();
        interfaces.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        Some(Self {
            id,
            state: instance.state.and_then(|state| state.name),
            labels,
            is_spot: instance.instance_lifecycle == Some(InstanceLifecycleType::Spot),
            has_ephemeral_root: instance.root_device_type == Some(DeviceType::InstanceStore),
            // `windows`, and nothing for everything else.
            is_windows: instance.platform.is_some(),
            interfaces,
        })
    }

    /// Whether it can be stopped and is the same again when it is started. A spot instance of a group cannot be: its request is for
    /// once. Of one that somebody has asked for otherwise, nobody knows whether there is room to start it.
    pub(crate) fn can_stop(&self) -> bool {
        !self.is_spot && !self.has_ephemeral_root
    }

    /// Whether nothing brings it back.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.state, Some(InstanceStateName::ShuttingDown | InstanceStateName::Terminated))
    }
}

impl Interface {
    fn of(interface: aws_sdk_ec2::types::InstanceNetworkInterface) -> Option<Self> {
        Some(Self {
            id: interface.network_interface_id?,
            vpc: interface.vpc_id?,
            groups: SecurityGroup::all(interface.groups.unwrap_or_default()),
        })
    }
}

impl SecurityGroup {
    /// In a fixed order.
    pub(crate) fn all(groups: Vec<aws_sdk_ec2::types::GroupIdentifier>) -> Vec<Self> {
        let mut groups: Vec<_> = groups
            .into_iter()
            .filter_map(|group| {
                Some(Self { id: group.group_id?, name: group.group_name.unwrap_or_default() })
            })
            .collect();
        groups.sort_unstable();
        groups
    }
}

impl<'a> Membership<'a> {
    pub(crate) fn of(member: &'a aws_sdk_autoscaling::types::Instance) -> Self {
        let state = member.lifecycle_state().map_or("unknown", |state| state.as_str());
        Self { state, health: member.health_status().unwrap_or_default() }
    }
}

impl Membership<'_> {
    /// Whether the group gives it work.
    pub(crate) fn is_in_service(&self) -> bool {
        self.state == "InService"
    }

    fn is_leaving(&self) -> bool {
        self.state.starts_with("Terminat") || self.state.starts_with("Warmed:Terminat")
    }
}

/// How an instance is that EC2 knows as `machine` and its group as `membership`.
///
/// One that is in no group any more is healthy when it runs: nobody checks more than that.
pub(crate) fn health(machine: Option<&Machine>, membership: Option<Membership<'_>>) -> Health {
    use InstanceStateName::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
    let Some(machine) = machine else {
        return match membership {
            // A new one may be known to its group before every part of EC2 has heard of it.
            Some(membership) if !membership.is_leaving() => Health::Unknown,
            _ => Health::Gone,
        };
    };
    match (&machine.state, membership) {
        (Some(ShuttingDown | Terminated), _) => Health::Gone,
        (Some(Stopped), _) => Health::Stopped,
        (Some(Stopping | Pending), _) => Health::Unhealthy,
        (Some(Running), None) => Health::Healthy,
        (Some(Running), Some(membership)) => {
            let is_healthy = membership.health.eq_ignore_ascii_case("healthy");
            if is_healthy && membership.is_in_service() { Health::Healthy } else { Health::Unhealthy }
        }
        _ => Health::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{Instance, InstanceState};

    use super::*;

    fn machine(state: &str) -> Machine {
        let state = InstanceState::builder().name(InstanceStateName::from(state)).build();
        Machine::of(Instance::builder().instance_id("i-0abc").state(state).build()).unwrap()
    }

    #[test]
    fn only_a_healthy_member_in_service_that_runs_is_healthy() {
        let member = |state, health| Some(Membership { state, health });
        let in_service = member("InService", "Healthy");
        for (state, membership, expected) in [
            ("running", in_service, Health::Healthy),
            ("running", member("InService", "HEALTHY"), Health::Healthy),
            ("running", member("InService", "Unhealthy"), Health::Unhealthy),
            ("running", member("Standby", "Healthy"), Health::Unhealthy),
            ("running", member("Pending:Wait", "Healthy"), Health::Unhealthy),
            ("running", None, Health::Healthy),
            ("pending", in_service, Health::Unhealthy),
            ("stopping", in_service, Health::Unhealthy),
            ("stopped", member("Warmed:Stopped", "Healthy"), Health::Stopped),
            ("shutting-down", in_service, Health::Gone),
            ("terminated", in_service, Health::Gone),
            ("something-new", in_service, Health::Unknown),
        ] {
            assert_eq!(health(Some(&machine(state)), membership), expected, "{state} {membership:?}");
        }
        assert_eq!(health(None, in_service), Health::Unknown);
        assert_eq!(health(None, member("Terminating:Wait", "Healthy")), Health::Gone);
        assert_eq!(health(None, None), Health::Gone);
    }
}
