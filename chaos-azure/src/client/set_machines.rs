//! The machines of an availability set. They name their set; there is no listing of one set's machines.

use std::collections::{BTreeMap, BTreeSet};

use chaos_core::{Error, ErrorKind, Result};
use futures_util::{Stream, StreamExt, TryStreamExt, future, pin_mut, stream};

use crate::{
    client::{azure::Azure, compute::Entry},
    model::{machine::Machine, place::Place, set_path::SetPath},
};

/// If a set has at most this many machines, they are requested one by one; otherwise, all machines of the subscription
/// are listed page by page.
const FEW: usize = 32;

/// The number of machines that are requested at a time.
const AT_A_TIME: usize = 8;

/// The machines of a set, or the reason why they are unknown.
#[derive(Debug, Default)]
pub(crate) struct Machines {
    pub(crate) found: Vec<Machine>,
    pub(crate) doubt: Option<String>,
}

/// The machines of the requested sets, by set: the data of one listing combined with the instance views of another.
pub(crate) async fn listed_machines(
    azure: &Azure,
    wanted: &BTreeSet<SetPath>,
    entries: impl Stream<Item = Result<Vec<Entry>>> + Send,
    subscription: &str,
) -> Result<BTreeMap<SetPath, Machines>> {
    let reading = async {
        let mut found: BTreeMap<SetPath, Machines> = BTreeMap::new();
        pin_mut!(entries);
        while let Some(page) = entries.try_next().await? {
            for entry in page {
                match entry {
                    Entry::Machine(machine) => {
                        let set = machine.availability_set.as_ref().map(SetPath::of);
                        if let Some(set) = set.filter(|set| wanted.contains(set)) {
                            found.entry(set).or_default().found.push(*machine);
                        }
                    }
                    Entry::Unreadable { set, why } => found.entry(set).or_default().doubt = Some(why),
                    Entry::OfNone => {}
                }
            }
        }
        Ok::<_, Error>(found)
    };
    let looking = async {
        let views: Vec<Vec<_>> = Box::pin(azure.compute.views(subscription)).try_collect().await?;
        Ok(views.into_iter().flatten().flatten().collect::<BTreeMap<_, _>>())
    };
    let (mut found, mut views) = future::try_join(reading, looking).await?;
    for machine in found.values_mut().flat_map(|machines| &mut machines.found) {
        // A machine in only one of the listings appeared or disappeared between them, so its power state is unknown.
        let seen = key(&machine.place).and_then(|key| views.remove(&key));
        *machine = machine.clone().seen(seen.unwrap_or_default());
    }
    Ok(found)
}

/// The machines of one set: one by one if they are few and the set names them, otherwise from listings.
pub(crate) async fn machines_of(
    azure: &Azure,
    path: &SetPath,
    named: Option<Vec<String>>,
) -> Result<Vec<Machine>> {
    let Some(names) = named.filter(|names| names.len() <= FEW) else {
        let wanted = BTreeSet::from([path.clone()]);
        let entries = azure.compute.machines_in(path);
        let mut machines = listed_machines(azure, &wanted, entries, &path.subscription).await?;
        let Machines { found, doubt } = machines.remove(path).unwrap_or_default();
        return match doubt {
            Some(why) => Err(Error::new(ErrorKind::Unavailable, why)),
            None => Ok(found),
        };
    };
    let looks = names.into_iter().map(|name| async move {
        let place = Place::of_machine(path, name);
        let machine = azure.compute.machine(&place).await?;
        let is_of_another = machine
            .as_ref()
            .is_some_and(|machine| machine.availability_set.as_ref().map(SetPath::of).as_ref() != Some(path));
        if is_of_another {
            let what = "an availability set lists a machine that does not name the set";
            return Err(Error::new(ErrorKind::Unavailable, what).with("machine", &place));
        }
        // A machine that no longer exists is no longer a member.
        Ok(machine)
    });
    let found: Vec<Option<Machine>> = stream::iter(looks).buffered(AT_A_TIME).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

fn key(place: &Place) -> Option<SetPath> {
    match place.clone() {
        Place::Machine { subscription, resource_group, name } => {
            Some(SetPath { subscription, resource_group, name })
        }
        Place::Instance { .. } => None,
    }
}
