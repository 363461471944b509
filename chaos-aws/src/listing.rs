//! Listing groups: pages of groups, each with one look-up of all its instances, in every region at once.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_autoscaling::types::AutoScalingGroup;
use chaos_core::{
    Group, GroupFilter, Result,
    listing::{pages, until_error},
};
use futures_util::{Stream, StreamExt, TryStreamExt, future::ready, stream};

use crate::{
    error::failed,
    fleet::Fleet,
    groups::{ACTION, group_named},
    machine::Machine,
    machines::{interrupted, machines},
    member::{self, Seen},
    regions::Region,
    selection::Query,
};

/// How many groups a page holds, and how many names one call takes.
const PAGE: i32 = 100;
/// How many pages of a region are looked up while the next is read.
const AHEAD: usize = 2;

/// The groups that pass, each as soon as its page is looked up. An error ends it.
pub(crate) fn listing(fleet: Arc<Fleet>, filter: &GroupFilter) -> impl Stream<Item = Result<Group>> + Send {
    let queries = match fleet.selection.queries(&fleet.regions, filter) {
        Ok(queries) => queries,
        Err(error) => return stream::iter([Err(error)]).left_stream(),
    };
    let regions: Vec<_> =
        queries.into_iter().map(|query| Box::pin(groups(Arc::clone(&fleet), query))).collect();
    // Where groups are named by their ids, one of another account may have the same name.
    let filter = filter.clone();
    let passes = move |group: &Group| ready(filter.passes(&group.id));
    until_error(stream::select_all(regions)).try_filter(passes).right_stream()
}

/// One group and its instances, of which those need no look-up that were looked up a moment ago. `None` where there is no such group.
pub(crate) async fn looked_up_again(
    fleet: &Fleet,
    region: &Arc<Region>,
    name: &str,
) -> Result<Option<Group>> {
    let clock = fleet.means.clock.as_ref();
    let Some(group) = group_named(region, name, clock).await? else { return Ok(None) };
    let groups = [group];
    let known = region.recently_seen().machines(&instances(&groups), clock);
    Ok(with_instances(fleet, region, &groups, known).await?.pop())
}

/// Looks up the instances of these groups, with as few calls as the API allows, but for those that are `known`.
async fn with_instances(
    fleet: &Fleet,
    region: &Arc<Region>,
    groups: &[Arc<AutoScalingGroup>],
    known: BTreeMap<String, Arc<Machine>>,
) -> Result<Vec<Group>> {
    let ids = instances(groups);
    let machines = machines(region, &ids, known, fleet.means.clock.as_ref()).await?;
    let has_spot = machines.values().any(|machine| machine.is_spot);
    let interrupted = if has_spot { interrupted(region).await? } else { Default::default() };
    let seen = Seen { machines, interrupted };
    let told = |group: &Arc<_>| member::group(region, group, &seen, &fleet.selection, &fleet.means);
    groups.iter().map(told).collect()
}

fn instances(groups: &[Arc<AutoScalingGroup>]) -> Vec<String> {
    let instances = groups.iter().flat_map(|group| group.instances());
    instances.filter_map(|instance| instance.instance_id()).map(str::to_owned).collect()
}

fn groups(fleet: Arc<Fleet>, query: Query) -> impl Stream<Item = Result<Group>> + Send {
    let Query { region, names, filters } = query;
    let batches: Vec<Option<Vec<String>>> = match names {
        None => vec![None],
        Some(names) => names.chunks(PAGE as usize).map(|names| Some(names.to_vec())).collect(),
    };
    let of = (Arc::clone(&region), Arc::clone(&fleet.means.clock));
    let pages = stream::iter(batches).flat_map(move |names| {
        let ((region, clock), filters) = (of.clone(), filters.clone());
        Box::pin(pages(move |token| {
            let call = region
                .autoscaling()
                .describe_auto_scaling_groups()
                .max_records(PAGE)
                .set_auto_scaling_group_names(names.clone())
                .set_filters((!filters.is_empty()).then(|| filters.clone()))
                .set_next_token(token);
            let (region, clock) = (Arc::clone(&region), Arc::clone(&clock));
            async move {
                let asked = clock.now();
                let answer = call.send().await.map_err(|error| failed(ACTION, region.name(), error))?;
                let groups = answer.auto_scaling_groups.unwrap_or_default();
                Ok(((asked, groups), answer.next_token))
            }
        }))
    });
    let looked_up = pages
        .map(move |page| {
            let (fleet, region) = (Arc::clone(&fleet), Arc::clone(&region));
            async move {
                let (asked, groups) = page?;
                let mut passed = Vec::new();
                for group in groups {
                    if fleet.selection.passes(member::name(&group, region.name())?, &member::tags(&group)) {
                        passed.push(Arc::new(group));
                    }
                }
                region.recently_seen().keep_groups(&passed, asked, fleet.means.clock.as_ref());
                with_instances(&fleet, &region, &passed, BTreeMap::new()).await
            }
        })
        .buffered(AHEAD);
    looked_up.map_ok(|groups| stream::iter(groups.into_iter().map(Ok))).try_flatten()
}
