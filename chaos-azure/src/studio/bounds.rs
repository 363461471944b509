use std::collections::BTreeSet;

use chaos_core::{Error, ErrorKind, GroupId, Result};
use futures_util::TryStreamExt;

use crate::{availability_sets, azure::Azure, machine::Machine, place::Place, scale_sets, set_path::SetPath};

/// The group that an experiment must keep to, by the keys of ids in ARM.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// The scale set, where it is one.
    pub(super) scale_set: Option<String>,
    /// Its virtual machines.
    pub(super) machines: BTreeSet<String>,
    /// How many members it has, or is about to have.
    pub(super) size: usize,
}

impl Bounds {
    pub(super) async fn of(azure: &Azure, group: &GroupId) -> Result<Self> {
        match group.scheme() {
            availability_sets::SCHEME => {
                let path = SetPath::parse(availability_sets::SCHEME, group)?;
                let found = azure.compute.availability_set(&path).await?.ok_or_else(|| {
                    let what = "there is no such availability set in this subscription and resource group";
                    Error::new(ErrorKind::NotFound, what).with("group", group)
                })?;
                let members = availability_sets::machines_of(azure, &path, found.machines).await?;
                let machines: BTreeSet<String> = members.iter().filter_map(key).collect();
                Ok(Self { scale_set: None, size: machines.len(), machines })
            }
            _ => {
                let path = SetPath::parse(scale_sets::SCHEME, group)?;
                let set = azure.compute.scale_set(&path).await?.ok_or_else(|| {
                    let what = "there is no such scale set in this subscription and resource group";
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

/// The key of a virtual machine; an instance of a uniform scale set is none, and no target of Chaos Studio by itself.
fn key(machine: &Machine) -> Option<String> {
    match &machine.place {
        Place::Machine { subscription, resource_group, name } => Some(format!(
            "/subscriptions/{subscription}/resourcegroups/{resource_group}/providers/microsoft.compute/virtualmachines/\
             {name}"
        )),
        Place::Instance { .. } => None,
    }
}
