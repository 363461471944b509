//! Listing groups: pages of groups, each with one look-up of all its instances, in every region at once.

use std::{collections::BTreeSet, sync::Arc};

use chaos_core::{
    Group, Result,
    listing::{pages, until_error},
    provider::GroupFilter,
};
use futures_util::{Stream, StreamExt, TryStreamExt, future::ready, stream};

use crate::{
    client::{
        error::failed,
        groups::{self, ACTION, group_named},
        machines::{interrupted, machines},
        regions::Region,
    },
    discovery::{
        fleet::Fleet,
        member::{self, Seen},
        selection::Query,
    },
    model::listed_group::ListedGroup,
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
        queries.into_iter().map(|query| Box::pin(listed(Arc::clone(&fleet), query))).collect();
    // If groups are named by their ids, one of another account may have the same name.
    let filter = filter.clone();
    let passes = move |group: &Group| ready(filter.passes(&group.id));
    until_error(stream::select_all(regions)).try_filter(passes).right_stream()
}

/// A fresh look at one group and its instances. `None` if there is no such group.
pub(crate) async fn looked_up(fleet: &Fleet, region: &Arc<Region>, name: &str) -> Result<Option<Group>> {
    let Some(group) = group_named(region, name).await? else { return Ok(None) };
    Ok(with_instances(fleet, region, &[group]).await?.pop())
}

/// Looks up the instances of these groups, with as few calls as the API allows.
async fn with_instances(
    fleet: &Fleet,
    region: &Arc<Region>,
    groups: &[Arc<ListedGroup>],
) -> Result<Vec<Group>> {
    // Each once, even if it is listed several times.
    let ids: BTreeSet<String> =
        groups.iter().flat_map(|group| &group.members).map(|member| member.id.clone()).collect();
    let machines = machines(region, &Vec::from_iter(ids)).await?;
    let has_spot = machines.values().any(|machine| machine.is_spot);
    let interrupted = if has_spot { interrupted(region).await? } else { Default::default() };
    let seen = Seen { machines, interrupted };
    let told = |group: &Arc<_>| member::group(region, group, &seen, &fleet.selection, &fleet.means);
    groups.iter().map(told).collect()
}

fn listed(fleet: Arc<Fleet>, query: Query) -> impl Stream<Item = Result<Group>> + Send {
    let Query { region, names, filters } = query;
    let batches: Vec<Option<Vec<String>>> = match names {
        None => vec![None],
        Some(names) => names.chunks(PAGE as usize).map(|names| Some(names.to_vec())).collect(),
    };
    let of = Arc::clone(&region);
    let pages = stream::iter(batches).flat_map(move |names| {
        let (region, filters) = (Arc::clone(&of), filters.clone());
        Box::pin(pages(move |token| {
            let call = region
                .autoscaling()
                .describe_auto_scaling_groups()
                .max_records(PAGE)
                .set_auto_scaling_group_names(names.clone())
                .set_filters((!filters.is_empty()).then(|| filters.clone()))
                .set_next_token(token);
            let region = Arc::clone(&region);
            async move {
                let answer = call.send().await.map_err(|error| failed(ACTION, region.name(), error))?;
                groups::read(answer, region.name())
            }
        }))
    });
    let looked_up = pages
        .map(move |page| {
            let (fleet, region) = (Arc::clone(&fleet), Arc::clone(&region));
            async move {
                let passes = |group: &ListedGroup| fleet.selection.groups.passes(&group.name, &group.tags);
                let passed: Vec<_> = page?.into_iter().filter(passes).map(Arc::new).collect();
                with_instances(&fleet, &region, &passed).await
            }
        })
        .buffered(AHEAD);
    looked_up.map_ok(|groups| stream::iter(groups.into_iter().map(Ok))).try_flatten()
}
