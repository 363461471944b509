//! Looking up one group.

use std::sync::Arc;

use aws_sdk_autoscaling::types::AutoScalingGroup;
use chaos_core::{Clock, Result};

use crate::{error::failed, regions::Region};

pub(crate) const ACTION: &str = "autoscaling:DescribeAutoScalingGroups";

/// The group of exactly this name. Not asked for where it was a moment ago.
pub(crate) async fn group_named(
    region: &Region,
    name: &str,
    clock: &dyn Clock,
) -> Result<Option<Arc<AutoScalingGroup>>> {
    if let Some(group) = region.recently_seen().group(name, clock) {
        return Ok(Some(group));
    }
    let asked = clock.now();
    let call = region.autoscaling().describe_auto_scaling_groups().auto_scaling_group_names(name);
    let answer =
        call.send().await.map_err(|error| failed(ACTION, region.name(), error).with("group", name))?;
    let mut groups = answer.auto_scaling_groups.unwrap_or_default().into_iter();
    let found = groups.find(|group| group.auto_scaling_group_name() == Some(name)).map(Arc::new);
    region.recently_seen().keep_groups(found.as_slice(), asked, clock);
    Ok(found)
}
