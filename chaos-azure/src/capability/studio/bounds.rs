use std::collections::BTreeSet;

use chaos_core::{Error, ErrorKind, GroupId, Result};
use futures_util::TryStreamExt;

use crate::{
    client::{azure::Azure, set_machines::machines_of},
    model::{
        machine::Machine,
        place::Place,
        set_path::{AVAILABILITY_SETS, SCALE_SETS, SetPath},
    },
};

/// The group that an experiment must keep to, by the keys of ids in ARM.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// The scale set, if the group is one.
    pub(super) scale_set: Option<String>,
    /// Its virtual machines.
    pub(super) machines: BTreeSet<String>,
    /// The number of members that it has, or is about to have.
    pub(super) size: usize,
}

impl Bounds {
    pub(super) async fn of(azure: &Azure, group: &GroupId) -> Result<Self> {
        match group.scheme() {
            AVAILABILITY_SETS => {
                let path = SetPath::parse(AVAILABILITY_SETS, group)?;
                let found = azure.compute.availability_set(&path).await?.ok_or_else(|| {
                    let what = "this subscription and resource group have no such availability set";
                    Error::new(ErrorKind::NotFound, what).with("group", group)
                })?;
                let members = machines_of(azure, &path, found.machines).await?;
                let machines: BTreeSet<String> = members.iter().filter_map(key).collect();
                Ok(Self { scale_set: None, size: machines.len(), machines })
            }
            _ => {
                let path = SetPath::parse(SCALE_SETS, group)?;
                let set = azure.compute.scale_set(&path).await?.ok_or_else(|| {
                    let what = "this subscription and resource group have no such scale set";
                    Error::new(ErrorKind::NotFound, what).with("group", group)
                })?;
                let pages: Vec<Vec<Machine>> = Box::pin(azure.compute.members(&set)).try_collect().await?;
                let members = pages.iter().flatten();
                let size = members.clone().count().max(set.capacity);
                Ok(Self { scale_set: Some(set.id.key()), machines: members.filter_map(key).collect(), size })
            }
        }
    }
}

/// The key of a virtual machine; an instance of a uniform scale set has none and is no target by itself.
fn key(machine: &Machine) -> Option<String> {
    match &machine.place {
        Place::Machine { subscription, resource_group, name } => Some(format!(
            "/subscriptions/{subscription}/resourcegroups/{resource_group}/providers/microsoft.compute/virtualmachines/\
             {name}"
        )),
        Place::Instance { .. } => None,
    }
}
