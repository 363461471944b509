//! Looking up groups.

use std::sync::Arc;

use aws_sdk_autoscaling::operation::describe_auto_scaling_groups::DescribeAutoScalingGroupsOutput;
use chaos_core::{
    Error, Result,
    listing::{Page, pages},
};
use futures_util::TryStreamExt;

use crate::{
    client::{error::failed, regions::Region},
    model::{listed_group::ListedGroup, told::told},
};

pub(crate) const ACTION: &str = "autoscaling:DescribeAutoScalingGroups";

/// A fresh look at the group with exactly this name. Concurrent callers share the answer.
pub(crate) async fn group_named(region: &Arc<Region>, name: &str) -> Result<Option<Arc<ListedGroup>>> {
    let (asked, named) = (Arc::clone(region), name.to_owned());
    region.looks().ask(name.to_owned(), || async move { look_up(&asked, &named).await }).await
}

async fn look_up(region: &Region, name: &str) -> Result<Option<Arc<ListedGroup>>> {
    let fetch = |token: Option<String>| async move {
        let call = region.autoscaling().describe_auto_scaling_groups().auto_scaling_group_names(name);
        let answer = call.set_next_token(token).send().await;
        read(answer.map_err(|error| failed(ACTION, region.name(), error))?, region.name())
    };
    let pages: Result<Vec<Vec<ListedGroup>>> = Box::pin(pages(fetch)).try_collect().await;
    let groups = pages.map_err(|error| error.with("group", name))?;
    Ok(groups.into_iter().flatten().find(|group| group.name == name).map(Arc::new))
}

/// A page of groups, and the token of the next one.
pub(crate) fn read(answer: DescribeAutoScalingGroupsOutput, region: &str) -> Result<Page<Vec<ListedGroup>>> {
    let lacking = |error: Error| error.with("action", ACTION).with("region", region);
    let groups = told(answer.auto_scaling_groups, "AutoScalingGroups").map_err(lacking)?;
    let groups: Result<_> = groups.into_iter().map(ListedGroup::read).collect();
    Ok((groups.map_err(lacking)?, answer.next_token))
}
