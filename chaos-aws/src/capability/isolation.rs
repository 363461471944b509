use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use aws_sdk_ec2::types::Filter;
use chaos_core::{
    Error, ErrorKind, FaultId, Permit, Result,
    capability::{Isolation, IsolationSnapshot},
    listing::pages,
};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

use crate::{
    capability::{
        isolation_group::{IsolationGroup, is_isolation, is_isolation_of},
        permitted::is_permitted,
        reach::Reach,
    },
    client::{
        error::failed,
        machines::{machine, vanished},
    },
    model::{machine::Interface, told::told},
};

/// Cuts an instance off by its security groups: every network interface is moved to a security group of the fault
/// without any rules.
#[derive(Debug)]
pub(crate) struct InterfaceIsolation {
    reach: Reach,
    /// The latest snapshot. Only interfaces in it can be restored, so only these are changed.
    held: Mutex<Option<Snapshot>>,
}

/// The connections of an instance: the security groups of each of its network interfaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Snapshot {
    interfaces: BTreeMap<String, Connected>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Connected {
    vpc: String,
    security_groups: Vec<String>,
}

impl Snapshot {
    /// Whether an instance with these interfaces has these connections, except for interfaces that `fault` has already
    /// cut off.
    fn is_of(&self, interfaces: &[Interface], fault: FaultId) -> bool {
        self.interfaces.len() == interfaces.len()
            && interfaces.iter().all(|interface| {
                self.interfaces.get(&interface.id).is_some_and(|held| {
                    interface.groups.iter().any(|group| is_isolation_of(fault, &group.name))
                        || interface.groups.iter().map(|group| &group.id).eq(&held.security_groups)
                })
            })
    }

    fn vpcs(&self) -> BTreeSet<&str> {
        self.interfaces.values().map(|connected| connected.vpc.as_str()).collect()
    }
}

impl InterfaceIsolation {
    pub(crate) fn new(reach: Reach) -> Self {
        Self { reach, held: Mutex::new(None) }
    }

    fn region(&self) -> &str {
        self.reach.region.name()
    }

    fn named(&self, error: Error) -> Error {
        error.with("instance", &self.reach.instance)
    }

    /// The interfaces according to the instance.
    async fn interfaces(&self) -> Result<Vec<Interface>> {
        match machine(&self.reach.region, &self.reach.instance).await? {
            Some(machine) if !machine.is_gone() => Ok(machine.interfaces),
            _ => Err(vanished(&self.reach.instance)),
        }
    }

    /// Whether each interface may be put into its current security groups, as the recovery does.
    pub(crate) async fn may_put_back(&self) -> Result<()> {
        for interface in self.interfaces().await? {
            let groups = interface.groups.into_iter().map(|group| group.id).collect();
            let call = self.reach.region.ec2().modify_network_interface_attribute();
            let call = call.network_interface_id(&interface.id).set_groups(Some(groups)).dry_run(true);
            let asked = is_permitted("ec2:ModifyNetworkInterfaceAttribute", &self.reach, call.send().await);
            asked.map_err(|error| error.with("interface", &interface.id))?;
        }
        Ok(())
    }

    async fn cut_off(&self, permit: &Permit) -> Result<()> {
        let interfaces = self.interfaces().await?;
        if interfaces.is_empty() {
            let what = "the instance has no network interface in a VPC, so it cannot be isolated";
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if held.is_some_and(|held| !held.is_of(&interfaces, permit.fault())) {
            let what =
                "the instance's network interfaces have changed since the look at them; nothing was cut off";
            return Err(Error::new(ErrorKind::Conflict, what));
        }
        let vpcs: BTreeSet<&str> = interfaces.iter().map(|interface| interface.vpc.as_str()).collect();
        let mut groups = BTreeMap::new();
        for vpc in vpcs {
            let group = IsolationGroup::of(permit.fault(), vpc, &self.reach);
            groups.insert(vpc, group.made().await?);
        }
        for interface in &interfaces {
            let Some(group) = groups.get(interface.vpc.as_str()) else { continue };
            if interface.groups.iter().any(|of| of.id != *group) || interface.groups.is_empty() {
                self.move_to(&interface.id, vec![group.clone()]).await?;
            }
        }
        Ok(())
    }

    /// Every interface that can be restored is restored before an error of another one is returned.
    async fn put_back(&self, snapshot: &Snapshot, permit: &Permit) -> Result<()> {
        let ids: Vec<String> = snapshot.interfaces.keys().cloned().collect();
        let mut first_error = None;
        for interface in self.look_up(ids).await? {
            let Some(connected) = snapshot.interfaces.get(&interface.id) else { continue };
            let now = interface.groups;
            // Groups that somebody else has set meanwhile do not come from the fault, and stay.
            if !now.iter().any(|group| is_isolation(&group.name)) {
                continue;
            }
            let others = now.into_iter().filter(|group| !is_isolation(&group.name)).map(|group| group.id);
            let mut groups = connected.security_groups.clone();
            groups.extend(others.filter(|other| !connected.security_groups.contains(other)));
            if let Err(error) = self.move_to(&interface.id, groups).await {
                first_error = first_error.or(Some(error));
            }
        }
        if let Some(error) = first_error {
            return Err(error);
        }
        for vpc in snapshot.vpcs() {
            IsolationGroup::of(permit.fault(), vpc, &self.reach).removed().await?;
        }
        Ok(())
    }

    /// No interface of the snapshot is in a group of the fault, and no such group exists.
    async fn nothing_is_left(&self, snapshot: &Snapshot, fault: FaultId) -> Result<bool> {
        let interfaces = self.look_up(snapshot.interfaces.keys().cloned().collect()).await?;
        let mut groups = interfaces.iter().flat_map(|interface| &interface.groups);
        if groups.any(|group| is_isolation_of(fault, &group.name)) {
            return Ok(false);
        }
        for vpc in snapshot.vpcs() {
            if IsolationGroup::of(fault, vpc, &self.reach).is_there().await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn move_to(&self, interface: &str, groups: Vec<String>) -> Result<()> {
        let call = self.reach.region.ec2().modify_network_interface_attribute();
        let call = call.network_interface_id(interface).set_groups(Some(groups));
        call.send().await.map(|_| ()).map_err(|error| {
            failed("ec2:ModifyNetworkInterfaceAttribute", self.region(), error).with("interface", interface)
        })
    }

    /// These interfaces, as far as they still exist, whatever they are attached to now.
    async fn look_up(&self, ids: Vec<String>) -> Result<Vec<Interface>> {
        const ACTION: &str = "ec2:DescribeNetworkInterfaces";
        let fetch = |token: Option<String>| {
            let filter = Filter::builder().name("network-interface-id").set_values(Some(ids.clone())).build();
            let call = self.reach.region.ec2().describe_network_interfaces();
            let call = call.filters(filter).max_results(1000).set_next_token(token);
            async move {
                let answer = call.send().await.map_err(|error| failed(ACTION, self.region(), error))?;
                let found = told(answer.network_interfaces, "networkInterfaceSet")?.into_iter();
                Ok((found.map(Interface::read_alone).collect::<Result<Vec<_>>>()?, answer.next_token))
            }
        };
        let found: Vec<Vec<_>> = Box::pin(pages(fetch)).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }
}

#[async_trait]
impl Isolation for InterfaceIsolation {
    async fn snapshot(&self) -> Result<IsolationSnapshot> {
        let interfaces = self.interfaces().await.map_err(|error| self.named(error))?;
        if interfaces.iter().any(is_cut_off) {
            // A snapshot would now contain the changes of another fault.
            let what = "another fault has already isolated the instance";
            return Err(self.named(Error::new(ErrorKind::Conflict, what)));
        }
        let connected = |interface: Interface| {
            let security_groups = interface.groups.into_iter().map(|group| group.id).collect();
            (interface.id, Connected { vpc: interface.vpc, security_groups })
        };
        let snapshot = Snapshot { interfaces: interfaces.into_iter().map(connected).collect() };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(snapshot.clone());
        IsolationSnapshot::of(&snapshot)
    }

    async fn isolate(&self, permit: &Permit) -> Result<()> {
        let isolated = permit.in_time(self.cut_off(permit)).await.and_then(|isolated| isolated);
        isolated.map_err(|error| self.named(error).with("fault", permit.fault()))
    }

    async fn restore(&self, snapshot: &IsolationSnapshot, permit: &Permit) -> Result<()> {
        let restored = self.put_back(&snapshot.read()?, permit).await;
        restored.map_err(|error| self.named(error).with("fault", permit.fault()))
    }

    /// Partly is enough: with one interface cut off, the instance is not back.
    async fn is_isolated(&self) -> Result<bool> {
        let interfaces = self.interfaces().await.map_err(|error| self.named(error))?;
        Ok(interfaces.iter().any(is_cut_off))
    }

    async fn is_restored(&self, snapshot: &IsolationSnapshot, fault: FaultId) -> Result<bool> {
        let looked = self.nothing_is_left(&snapshot.read()?, fault).await;
        looked.map_err(|error| self.named(error).with("fault", fault))
    }
}

fn is_cut_off(interface: &Interface) -> bool {
    interface.groups.iter().any(|group| is_isolation(&group.name))
}
