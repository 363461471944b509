use std::{collections::BTreeSet, sync::Arc};

use chaos_aws::{AVAILABILITY_ZONE_LABEL, Api};
use chaos_core::{Error, ErrorKind, Group, Provider, Result, TargetId, provider::GroupFilter};
use futures_util::TryStreamExt;
use serde_json::Value;

use crate::functions::{
    argument::number,
    call::Call,
    choice::{Amount, Share, Wanted, refused},
    function::TargetKind,
};

/// The members that a function asks for.
///
/// # Errors
/// `Refused` if not all that were asked for can be hit; and if nobody could look.
pub(in crate::functions) async fn targets(
    call: &Call,
    of: TargetKind,
    draw: u64,
) -> Result<(Vec<Arc<dyn Provider>>, Vec<Share>)> {
    let name_of = |id: &TargetId| id.name().to_owned();
    let mut wanted = Wanted { zone: None, machines: None, name_of: &name_of, amount: Amount::All };
    let mut builder = call.account();
    if of == TargetKind::AutoScalingGroups {
        builder = call.texts("asg_names").into_iter().fold(builder, |builder, name| builder.group(name));
        for (key, value) in distinct(call.pairs("tags", "Key", "Value"))? {
            builder = builder.tag(key, value);
        }
        wanted.zone = call.text("az").map(|zone| (AVAILABILITY_ZONE_LABEL, zone.to_owned()));
        wanted.amount = amount(call);
    } else {
        let machines = call.instances(&call.api().await?, &["running"]).await?;
        if machines.is_empty() {
            return Err(refused(
                "nobody was hit: no running instance is in that zone and passes the filters".into(),
            ));
        }
        if of == TargetKind::Instance {
            wanted.amount = Amount::One;
        }
        wanted.machines = Some(machines);
    }
    let provider: Arc<dyn Provider> = Arc::new(builder.build().await?);
    let everything = GroupFilter::all();
    let groups: Vec<Group> = provider.groups(&everything).try_collect().await?;
    let names: BTreeSet<String> = call.texts("asg_names").into_iter().collect();
    if of == TargetKind::AutoScalingGroups && !names.is_empty() && groups.len() != names.len() {
        // Says which of them there is none of.
        call.api().await?.auto_scaling_groups(&call.texts("asg_names")).await?;
    }
    let mut shares = wanted.shares(&groups, draw);
    if of == TargetKind::Instance && call.text("instance_id").is_some() {
        // The instance that is named is no draw, and the reason why it is spared tells more.
        shares = Wanted { amount: Amount::All, ..wanted }.shares(&groups, draw);
    }
    Ok((vec![provider], shares.map_err(refused)?))
}

impl Call {
    /// The ids of the instances that are named, or that are in the zone and pass the filters and are in one of these
    /// states.
    pub(super) async fn instances(&self, api: &Api, states: &[&str]) -> Result<BTreeSet<String>> {
        let mut named = self.texts("instance_ids");
        named.extend(self.text("instance_id").map(str::to_owned));
        let mut filters = self.filters();
        if let Some(zone) = self.text("az") {
            filters.push(("availability-zone".to_owned(), vec![zone.to_owned()]));
        }
        if named.is_empty() {
            let states = states.iter().map(|state| (*state).to_owned()).collect();
            filters.push(("instance-state-name".to_owned(), states));
        }
        let found = api.instances(&named, &filters).await?;
        let found: BTreeSet<String> = ids(&found).collect();
        match named.iter().find(|id| !found.contains(*id)) {
            None => Ok(found),
            Some(other) => {
                let what = "an instance that is named is not in that zone, or does not pass the filters";
                Err(Error::new(ErrorKind::Refused, what).with("instance", other))
            }
        }
    }

    pub(super) fn filters(&self) -> Vec<(String, Vec<String>)> {
        let items = self.arguments.get("filters").and_then(Value::as_array).into_iter().flatten();
        let filter = |item: &Value| {
            let values = item["Values"].as_array()?.iter().filter_map(Value::as_str).map(str::to_owned);
            Some((item["Name"].as_str()?.to_owned(), values.collect()))
        };
        items.filter_map(filter).collect()
    }
}

/// The ids of the instances of reservations.
pub(super) fn ids(reservations: &[Value]) -> impl Iterator<Item = String> {
    instances(reservations).filter_map(|instance| instance["InstanceId"].as_str().map(str::to_owned))
}

pub(super) fn instances(reservations: &[Value]) -> impl Iterator<Item = &Value> {
    reservations.iter().filter_map(|found| found["Instances"].as_array()).flatten()
}

fn amount(call: &Call) -> Amount {
    let count = call.number("instance_count").and_then(|count| usize::try_from(count).ok());
    let percent = call.arguments.get("instance_percent").and_then(number);
    match (count, percent) {
        (Some(count), _) => Amount::Count(count),
        (None, Some(percent)) => Amount::Percent(percent),
        (None, None) => Amount::Every,
    }
}

/// The provider takes several values of one key for alternatives. There, a group must have each of them.
fn distinct(tags: Vec<(String, String)>) -> Result<Vec<(String, String)>> {
    let mut keys = BTreeSet::new();
    for (key, value) in &tags {
        if !keys.insert(key) && !tags.iter().all(|(other, of)| other != key || of == value) {
            return Err(Error::invalid("tags", format!("{key:?} twice"), "each key with one value"));
        }
    }
    Ok(tags)
}
