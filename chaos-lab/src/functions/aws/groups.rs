//! What is asked of auto-scaling groups.

use chaos_aws::Api;
use chaos_core::Result;
use serde_json::Value;

use crate::functions::call::Call;

impl Call {
    /// The groups that are named, or that have the tags.
    pub(super) async fn groups(&self, api: &Api) -> Result<Vec<Value>> {
        let names = self.texts("asg_names");
        if names.is_empty() {
            api.auto_scaling_groups_tagged(&self.pairs("tags", "Key", "Value")).await
        } else {
            api.auto_scaling_groups(&names).await
        }
    }
}

/// Whether each group has as many healthy members in service as it should have, and not none.
pub(super) fn are_whole(groups: &[Value]) -> bool {
    let is_whole = |group: &Value| {
        let healthy = members(group)
            .filter(|member| member["LifecycleState"] == "InService" && member["HealthStatus"] == "Healthy");
        let healthy = healthy.count();
        healthy > 0 && group["DesiredCapacity"].as_u64() == u64::try_from(healthy).ok()
    };
    !groups.is_empty() && groups.iter().all(is_whole)
}

/// Whether a member of a group is not in service, or not healthy.
pub(super) fn are_scaling(groups: &[Value]) -> bool {
    groups
        .iter()
        .flat_map(members)
        .any(|member| member["LifecycleState"] != "InService" || member["HealthStatus"] != "Healthy")
}

/// The number of members with this health.
pub(super) fn count(groups: &[Value], are_healthy: bool) -> usize {
    let health = if are_healthy { "Healthy" } else { "Unhealthy" };
    groups.iter().flat_map(members).filter(|member| member["HealthStatus"] == health).count()
}

/// Whether all of these processes are suspended in each group.
pub(super) fn are_suspended(groups: &[Value], processes: &[String]) -> bool {
    groups.iter().all(|group| {
        let suspended = || group["SuspendedProcesses"].as_array().into_iter().flatten();
        processes.iter().all(|name| suspended().any(|process| process["ProcessName"] == **name))
    })
}

/// Whether each group is in exactly these subnets.
pub(super) fn are_in(groups: &[Value], subnets: &[String]) -> bool {
    let mut wanted: Vec<&str> = subnets.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    groups.iter().all(|group| {
        let mut own: Vec<&str> =
            group["VPCZoneIdentifier"].as_str().unwrap_or_default().split(',').map(str::trim).collect();
        own.sort_unstable();
        own == wanted
    })
}

fn members(group: &Value) -> impl Iterator<Item = &Value> {
    group["Instances"].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn group(desired: u64, members: &[(&str, &str)]) -> Value {
        let members: Vec<Value> = members
            .iter()
            .map(|(state, health)| json!({ "LifecycleState": state, "HealthStatus": health }))
            .collect();
        let suspended = json!([{ "ProcessName": "Launch" }, { "ProcessName": "Terminate" }]);
        json!({
            "DesiredCapacity": desired, "Instances": members, "SuspendedProcesses": suspended,
            "VPCZoneIdentifier": "subnet-b,subnet-a",
        })
    }

    #[test]
    fn groups_are_judged_as_the_extension_judges_them() {
        let (fine, ill, new) = (("InService", "Healthy"), ("InService", "Unhealthy"), ("Pending", "Healthy"));
        for (desired, members, is_whole, is_scaling, healthy) in [
            (2, vec![fine, fine], true, false, 2),
            (2, vec![fine, ill], false, true, 1),
            (2, vec![fine, new], false, true, 2),
            (3, vec![fine, fine], false, false, 2),
            (0, vec![], false, false, 0),
        ] {
            let groups = [group(desired, &members)];
            assert_eq!(are_whole(&groups), is_whole, "{members:?}");
            assert_eq!(are_scaling(&groups), is_scaling, "{members:?}");
            assert_eq!(count(&groups, true), healthy, "{members:?}");
            assert_eq!(count(&groups, false), members.iter().filter(|member| **member == ill).count());
        }
        assert!(!are_whole(&[]));
        let (one, both) = ([group(1, &[fine])], [group(1, &[fine]), group(2, &[fine])]);
        assert!(are_whole(&one) && !are_whole(&both));
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(
            are_suspended(&one, &texts(&["Launch"]))
                && !are_suspended(&one, &texts(&["Launch", "AZRebalance"]))
        );
        assert!(are_in(&one, &texts(&["subnet-a", "subnet-b"])) && !are_in(&one, &texts(&["subnet-a"])));
    }
}
