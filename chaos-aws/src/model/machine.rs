//! An instance as EC2 knows it.

use aws_sdk_ec2::types::{DeviceType, InstanceLifecycleType, InstanceStateName};
use chaos_core::{Health, Result, group::Labels};

use crate::model::{availability_zone::AVAILABILITY_ZONE_LABEL, told::told};

/// The tag of every member of an auto-scaling group, with the name of the group. Only AWS can set it.
pub(crate) const GROUP_TAG: &str = "aws:autoscaling:groupName";

/// An instance, with the data that this crate needs.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) id: String,
    pub(crate) state: InstanceStateName,
    /// Its tags, and its location.
    pub(crate) labels: Labels,
    pub(crate) is_spot: bool,
    /// Whether its system is on disks of its host, and is lost when the instance stops.
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

/// A security group of a network interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SecurityGroup {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// The state of a member according to its auto-scaling group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership<'a> {
    /// `InService`, `Pending:Wait` and so on.
    pub(crate) state: &'a str,
    /// `Healthy` or `Unhealthy`, in upper or lower case.
    pub(crate) health: &'a str,
}

impl Machine {
    /// # Errors
    /// `Unavailable` if the answer lacks a required field.
    pub(crate) fn read(instance: aws_sdk_ec2::types::Instance) -> Result<Self> {
        // The answer leaves them out if there are none. Members of groups always have some.
        let tags = instance.tags.unwrap_or_default().into_iter();
        let mut labels = tags
            .map(|tag| Ok((told(tag.key, "key of a tag")?, told(tag.value, "value of a tag")?)))
            .collect::<Result<Labels>>()?;
        if let Some(zone) = instance.placement.and_then(|placement| placement.availability_zone) {
            labels.insert(AVAILABILITY_ZONE_LABEL.to_owned(), zone);
        }
        let interfaces = told(instance.network_interfaces, "networkInterfaceSet")?.into_iter();
        let mut interfaces: Vec<_> = interfaces.map(Interface::read).collect::<Result<_>>()?;
        interfaces.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        Ok(Self {
            id: told(instance.instance_id, "instanceId")?,
            state: told(instance.state.and_then(|state| state.name), "instanceState")?,
            labels,
            is_spot: instance.instance_lifecycle == Some(InstanceLifecycleType::Spot),
            has_ephemeral_root: told(instance.root_device_type, "rootDeviceType")?
                == DeviceType::InstanceStore,
            // `windows`, or nothing for every other system.
            is_windows: instance.platform.is_some(),
            interfaces,
        })
    }

    /// Whether the answer contains its tags: each member of a group has at least the group's tag.
    pub(crate) fn tells_tags(&self) -> bool {
        self.labels.contains_key(GROUP_TAG)
    }

    /// Whether it can be stopped and is the same again when it is started. A spot instance of a group cannot, because
    /// its request is for one time. For other spot instances, it is unknown whether there is capacity to start them.
    pub(crate) fn can_stop(&self) -> bool {
        !self.is_spot && !self.has_ephemeral_root
    }

    /// Whether nothing can bring it back.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.state, InstanceStateName::ShuttingDown | InstanceStateName::Terminated)
    }
}

impl Interface {
    fn read(interface: aws_sdk_ec2::types::InstanceNetworkInterface) -> Result<Self> {
        Ok(Self {
            id: told(interface.network_interface_id, "networkInterfaceId")?,
            vpc: told(interface.vpc_id, "vpcId")?,
            groups: SecurityGroup::all(interface.groups)?,
        })
    }

    /// An interface that was requested by its id. It may be attached to any instance, or to none.
    pub(crate) fn read_alone(interface: aws_sdk_ec2::types::NetworkInterface) -> Result<Self> {
        Ok(Self {
            id: told(interface.network_interface_id, "networkInterfaceId")?,
            vpc: told(interface.vpc_id, "vpcId")?,
            groups: SecurityGroup::all(interface.groups)?,
        })
    }
}

impl SecurityGroup {
    /// The groups of an interface, in a fixed order.
    fn all(groups: Option<Vec<aws_sdk_ec2::types::GroupIdentifier>>) -> Result<Vec<Self>> {
        let groups = told(groups, "groupSet")?.into_iter();
        let read = |group: aws_sdk_ec2::types::GroupIdentifier| {
            Ok(Self { id: told(group.group_id, "groupId")?, name: told(group.group_name, "groupName")? })
        };
        let mut groups: Vec<_> = groups.map(read).collect::<Result<_>>()?;
        groups.sort_unstable();
        Ok(groups)
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

/// The health of an instance that EC2 knows as `machine` and its group as `membership`.
///
/// An instance that is no longer in a group is healthy if it runs, because nothing checks more than that.
pub(crate) fn health(machine: Option<&Machine>, membership: Option<Membership<'_>>) -> Health {
    use InstanceStateName::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
    let Some(machine) = machine else {
        return match membership {
            // A group may know a new instance before every part of EC2 does.
            Some(membership) if !membership.is_leaving() => Health::Unknown,
            _ => Health::Gone,
        };
    };
    match (&machine.state, membership) {
        (ShuttingDown | Terminated, _) => Health::Gone,
        (Stopped, _) => Health::Stopped,
        (Stopping | Pending, _) => Health::Unhealthy,
        (Running, None) => Health::Healthy,
        (Running, Some(membership)) => {
            let is_healthy = membership.health.eq_ignore_ascii_case("healthy");
            if is_healthy && membership.is_in_service() { Health::Healthy } else { Health::Unhealthy }
        }
        _ => Health::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{
        GroupIdentifier, Instance, InstanceNetworkInterface, InstanceState, Tag, builders::InstanceBuilder,
    };

    use super::*;

    fn whole(state: &str) -> InstanceBuilder {
        let state = InstanceState::builder().name(InstanceStateName::from(state)).build();
        let device = DeviceType::Ebs;
        let instance = Instance::builder().instance_id("i-0abc").state(state).root_device_type(device);
        instance.set_network_interfaces(Some(Vec::new()))
    }

    fn machine(state: &str) -> Machine {
        Machine::read(whole(state).build()).unwrap()
    }

    #[test]
    fn nothing_that_decides_may_be_left_out() {
        let interface = || {
            let group = GroupIdentifier::builder().group_id("sg-1").group_name("web").build();
            let interface = InstanceNetworkInterface::builder().network_interface_id("eni-1").vpc_id("vpc-1");
            interface.groups(group)
        };
        let running = || whole("running").network_interfaces(interface().build());
        assert!(!Machine::read(running().build()).unwrap().tells_tags());
        let tagged = running().tags(Tag::builder().key(GROUP_TAG).value("web").build());
        assert!(Machine::read(tagged.build()).unwrap().tells_tags());
        let nameless = GroupIdentifier::builder().group_id("sg-1").build();
        for (instance, field) in [
            (running().set_instance_id(None), "instanceId"),
            (running().set_state(None), "instanceState"),
            (running().state(InstanceState::builder().build()), "instanceState"),
            (running().set_root_device_type(None), "rootDeviceType"),
            (running().tags(Tag::builder().value("false").build()), "key of a tag"),
            (running().tags(Tag::builder().key("chaos:enabled").build()), "value of a tag"),
            (running().set_network_interfaces(None), "networkInterfaceSet"),
            (
                running().network_interfaces(interface().set_network_interface_id(None).build()),
                "networkInterfaceId",
            ),
            (running().network_interfaces(interface().set_vpc_id(None).build()), "vpcId"),
            (running().network_interfaces(interface().set_groups(None).build()), "groupSet"),
            (running().network_interfaces(interface().groups(nameless).build()), "groupName"),
        ] {
            let error = Machine::read(instance.build()).expect_err(field);
            assert!(error.context().any(|named| named == ("field", field)), "{field}: {error}");
        }
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
