use std::collections::BTreeSet;

use aws_sdk_autoscaling::types::{AutoScalingGroup, Filter, Instance, SuspendedProcess, TagDescription};
use chaos_core::{Error, ErrorKind, Result, listing::pages};
use futures_util::TryStreamExt;
use serde_json::Value;

use super::{
    Api,
    json::{list, object, plain, text, time},
};
use crate::{client::groups::ACTION, model::told::told};

/// How many names one call takes.
const NAMES: usize = 50;

impl Api {
    /// The auto-scaling groups with these names. Needs `autoscaling:DescribeAutoScalingGroups`.
    ///
    /// # Errors
    /// `NotFound` with the names if there is no such group.
    ///
    /// Cancel safe: it only looks.
    pub async fn auto_scaling_groups(&self, names: &[String]) -> Result<Vec<Value>> {
        let mut found = Vec::with_capacity(names.len());
        for names in names.chunks(NAMES) {
            found.extend(self.groups(Some(names.to_vec()), Vec::new()).await?);
        }
        let known: BTreeSet<&str> =
            found.iter().filter_map(|group| group["AutoScalingGroupName"].as_str()).collect();
        let missing: Vec<&str> =
            names.iter().map(String::as_str).filter(|name| !known.contains(name)).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let what = "this account and region have no such auto-scaling group";
        let error = Error::new(ErrorKind::NotFound, what).with("group", missing.join(", "));
        Err(error.with("region", self.region()))
    }

    /// The auto-scaling groups that have every one of these tags. Needs `autoscaling:DescribeAutoScalingGroups`.
    ///
    /// # Errors
    /// `NotFound` with the tags if no group has them.
    ///
    /// Cancel safe: it only looks.
    pub async fn auto_scaling_groups_tagged(&self, tags: &[(String, String)]) -> Result<Vec<Value>> {
        let filter = |(key, value): &(String, String)| {
            Filter::builder().name(format!("tag:{key}")).values(value.as_str()).build()
        };
        let mut found = self.groups(None, tags.iter().map(filter).collect()).await?;
        found.retain(|group| tags.iter().all(|tag| has_tag(group, tag)));
        if found.is_empty() {
            let shown: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let what = "this account and region have no auto-scaling group with these tags";
            let error = Error::new(ErrorKind::NotFound, what).with("tags", shown.join(", "));
            return Err(error.with("region", self.region()));
        }
        Ok(found)
    }

    async fn groups(&self, names: Option<Vec<String>>, filters: Vec<Filter>) -> Result<Vec<Value>> {
        let fetch = |token: Option<String>| {
            let call = self.region.autoscaling().describe_auto_scaling_groups();
            let call = call.set_auto_scaling_group_names(names.clone()).set_next_token(token);
            let call = call.set_filters((!filters.is_empty()).then(|| filters.clone()));
            async move {
                let answer = call.send().await.map_err(|error| self.failed(ACTION, error))?;
                Ok((told(answer.auto_scaling_groups, "AutoScalingGroups")?, answer.next_token))
            }
        };
        let found: Vec<Vec<AutoScalingGroup>> = Box::pin(pages(fetch)).try_collect().await?;
        Ok(found.into_iter().flatten().map(group).collect())
    }
}

fn has_tag(group: &Value, (key, value): &(String, String)) -> bool {
    let tags = group["Tags"].as_array().into_iter().flatten();
    tags.into_iter().any(|tag| tag["Key"] == **key && tag["Value"] == **value)
}

fn group(group: AutoScalingGroup) -> Value {
    object([
        ("AutoScalingGroupName", text(group.auto_scaling_group_name)),
        ("AutoScalingGroupARN", text(group.auto_scaling_group_arn)),
        ("LaunchConfigurationName", text(group.launch_configuration_name)),
        ("MinSize", plain(group.min_size)),
        ("MaxSize", plain(group.max_size)),
        ("DesiredCapacity", plain(group.desired_capacity)),
        ("DefaultCooldown", plain(group.default_cooldown)),
        ("AvailabilityZones", list(group.availability_zones, Value::from)),
        ("LoadBalancerNames", list(group.load_balancer_names, Value::from)),
        ("TargetGroupARNs", list(group.target_group_arns, Value::from)),
        ("HealthCheckType", text(group.health_check_type)),
        ("HealthCheckGracePeriod", plain(group.health_check_grace_period)),
        ("Instances", list(group.instances, instance)),
        ("CreatedTime", time(group.created_time)),
        ("SuspendedProcesses", list(group.suspended_processes, suspended)),
        ("VPCZoneIdentifier", text(group.vpc_zone_identifier)),
        ("Status", text(group.status)),
        ("Tags", list(group.tags, tag)),
        ("TerminationPolicies", list(group.termination_policies, Value::from)),
        ("NewInstancesProtectedFromScaleIn", plain(group.new_instances_protected_from_scale_in)),
        ("ServiceLinkedRoleARN", text(group.service_linked_role_arn)),
    ])
}

fn instance(instance: Instance) -> Value {
    object([
        ("InstanceId", text(instance.instance_id)),
        ("InstanceType", text(instance.instance_type)),
        ("AvailabilityZone", text(instance.availability_zone)),
        ("LifecycleState", text(instance.lifecycle_state)),
        ("HealthStatus", text(instance.health_status)),
        ("LaunchConfigurationName", text(instance.launch_configuration_name)),
        ("ProtectedFromScaleIn", plain(instance.protected_from_scale_in)),
        ("WeightedCapacity", text(instance.weighted_capacity)),
    ])
}

fn suspended(process: SuspendedProcess) -> Value {
    object([
        ("ProcessName", text(process.process_name)),
        ("SuspensionReason", text(process.suspension_reason)),
    ])
}

fn tag(tag: TagDescription) -> Value {
    object([
        ("ResourceId", text(tag.resource_id)),
        ("ResourceType", text(tag.resource_type)),
        ("Key", text(tag.key)),
        ("Value", text(tag.value)),
        ("PropagateAtLaunch", plain(tag.propagate_at_launch)),
    ])
}
