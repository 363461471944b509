//! An auto-scaling group as the API lists it, read whole or not at all.

use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance, TagDescription};
use chaos_core::{Result, group::Labels};

use crate::model::{
    group_path::is_account,
    machine::Membership,
    told::{told, untold},
};

/// The processes that replacing a member takes.
const REPLACEMENT: [&str; 4] = ["HealthCheck", "Launch", "ReplaceUnhealthy", "Terminate"];

/// A group, as far as this crate needs it.
#[derive(Clone, Debug)]
pub(crate) struct ListedGroup {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) tags: Labels,
    /// The desired number of members in service. If members have weights, it is the desired capacity in the unit of the
    /// weights.
    pub(crate) desired: usize,
    pub(crate) min_size: i32,
    pub(crate) max_size: i32,
    /// Set only while the group is being deleted.
    pub(crate) status: Option<String>,
    /// Whether no process that takes part in a replacement is suspended.
    pub(crate) is_replacing: bool,
    pub(crate) members: Vec<ListedMember>,
}

/// A member of a group, as the group knows it.
#[derive(Clone, Debug)]
pub(crate) struct ListedMember {
    pub(crate) id: String,
    pub(crate) is_protected: bool,
    pub(crate) weight: u32,
    state: String,
    health: String,
}

impl ListedGroup {
    /// # Errors
    /// `Unavailable` if the answer lacks a required field.
    pub(crate) fn read(group: AutoScalingGroup) -> Result<Self> {
        let name = told(group.auto_scaling_group_name, "AutoScalingGroupName")?;
        let account = told(account(group.auto_scaling_group_arn.as_deref()), "AutoScalingGroupARN")?;
        let tags = told(group.tags, "Tags")?.into_iter().map(tag).collect::<Result<_>>()?;
        let desired = told(group.desired_capacity, "DesiredCapacity")?;
        let suspended = told(group.suspended_processes, "SuspendedProcesses")?;
        let mut is_replacing = group.status.is_none();
        for process in suspended {
            is_replacing &= !REPLACEMENT.contains(&&*told(process.process_name, "ProcessName")?);
        }
        let members = told(group.instances, "Instances")?;
        Ok(Self {
            name,
            account,
            tags,
            desired: usize::try_from(desired).map_err(|_| untold("DesiredCapacity"))?,
            min_size: told(group.min_size, "MinSize")?,
            max_size: told(group.max_size, "MaxSize")?,
            status: group.status,
            is_replacing,
            members: members.into_iter().map(ListedMember::read).collect::<Result<_>>()?,
        })
    }

    pub(crate) fn member(&self, id: &str) -> Option<&ListedMember> {
        self.members.iter().find(|member| member.id == id)
    }
}

impl ListedMember {
    fn read(member: Instance) -> Result<Self> {
        let weight = member.weighted_capacity.map(|weight| weight.parse());
        Ok(Self {
            id: told(member.instance_id, "InstanceId")?,
            is_protected: told(member.protected_from_scale_in, "ProtectedFromScaleIn")?,
            // Only members of a group with weights have one.
            weight: weight.unwrap_or(Ok(1)).map_err(|error| untold("WeightedCapacity").caused_by(error))?,
            state: told(member.lifecycle_state, "LifecycleState")?.as_str().to_owned(),
            health: told(member.health_status, "HealthStatus")?,
        })
    }

    pub(crate) fn membership(&self) -> Membership<'_> {
        Membership { state: &self.state, health: &self.health }
    }
}

fn tag(tag: TagDescription) -> Result<(String, String)> {
    Ok((told(tag.key, "Key of a tag")?, told(tag.value, "Value of a tag")?))
}

/// From its ARN: `arn:aws:autoscaling:<region>:<account>:autoScalingGroup:…`.
fn account(arn: Option<&str>) -> Option<String> {
    arn?.split(':').nth(4).filter(|account| is_account(account)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use aws_sdk_autoscaling::types::{LifecycleState, SuspendedProcess, builders::AutoScalingGroupBuilder};

    use super::*;

    fn member() -> Instance {
        Instance::builder()
            .instance_id("i-0abc")
            .lifecycle_state(LifecycleState::InService)
            .health_status("Healthy")
            .protected_from_scale_in(false)
            .build()
    }

    fn whole() -> AutoScalingGroupBuilder {
        AutoScalingGroup::builder()
            .auto_scaling_group_name("web")
            .auto_scaling_group_arn("arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:x")
            .tags(TagDescription::builder().key("chaos:enabled").value("false").build())
            .desired_capacity(12)
            .min_size(0)
            .max_size(20)
            .suspended_processes(SuspendedProcess::builder().process_name("AlarmNotification").build())
            .instances(member())
    }

    #[test]
    fn nothing_that_decides_may_be_left_out() {
        let group = ListedGroup::read(whole().build()).unwrap();
        assert!(group.is_replacing && group.desired == 12 && group.tags["chaos:enabled"] == "false");
        assert_eq!(group.member("i-0abc").unwrap().weight, 1);
        let suspended = SuspendedProcess::builder().process_name("Launch").build();
        assert!(!ListedGroup::read(whole().suspended_processes(suspended).build()).unwrap().is_replacing);
        assert!(!ListedGroup::read(whole().status("Delete in progress").build()).unwrap().is_replacing);

        let without = |change: fn(&mut Instance)| {
            let mut member = member();
            change(&mut member);
            whole().instances(member).build()
        };
        let nameless = SuspendedProcess::builder().build();
        for (group, field) in [
            (whole().set_auto_scaling_group_name(None).build(), "AutoScalingGroupName"),
            (whole().set_auto_scaling_group_arn(None).build(), "AutoScalingGroupARN"),
            (whole().auto_scaling_group_arn("arn:aws:x:y:1:z").build(), "AutoScalingGroupARN"),
            (whole().set_tags(None).build(), "Tags"),
            (whole().tags(TagDescription::builder().value("false").build()).build(), "Key of a tag"),
            (whole().tags(TagDescription::builder().key("chaos:enabled").build()).build(), "Value of a tag"),
            (whole().set_desired_capacity(None).build(), "DesiredCapacity"),
            (whole().desired_capacity(-1).build(), "DesiredCapacity"),
            (whole().set_min_size(None).build(), "MinSize"),
            (whole().set_max_size(None).build(), "MaxSize"),
            (whole().set_suspended_processes(None).build(), "SuspendedProcesses"),
            (whole().suspended_processes(nameless).build(), "ProcessName"),
            (whole().set_instances(None).build(), "Instances"),
            (without(|member| member.instance_id = None), "InstanceId"),
            (without(|member| member.lifecycle_state = None), "LifecycleState"),
            (without(|member| member.health_status = None), "HealthStatus"),
            (without(|member| member.protected_from_scale_in = None), "ProtectedFromScaleIn"),
            (without(|member| member.weighted_capacity = Some("none".to_owned())), "WeightedCapacity"),
        ] {
            let error = ListedGroup::read(group).expect_err(field);
            assert!(error.is_retryable(), "{error}");
            assert!(error.context().any(|named| named == ("field", field)), "{field}: {error}");
        }
    }
}
