use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_ec2::types::Filter;
use chaos_core::{
    Error, ErrorKind, FaultId, Permit, Result,
    capability::{Change, Setting, SettingSet, Settings, SettingsSnapshot, Standing},
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

    /// `held` are the interfaces of the snapshot that still exist, and `now` those of the instance, if it exists.
    /// `groups` tells for each existing group of the fault whether it has no rule.
    fn standing(
        &self,
        held: &[Interface],
        groups: &[bool],
        now: Option<&[Interface]>,
        fault: FaultId,
    ) -> Standing {
        let is_ours =
            |interface: &&Interface| interface.groups.iter().any(|group| is_isolation_of(fault, &group.name));
        let is_left = !groups.is_empty() || held.iter().chain(now.unwrap_or_default()).any(|of| is_ours(&of));
        let Some(now) = now else {
            let gone = "the instance no longer exists".to_owned();
            return if is_left { Standing::Partly(gone) } else { Standing::Drifted(gone) };
        };
        if is_left {
            return match self.what_is_open(groups, now, fault) {
                None => Standing::Changed,
                Some(open) => Standing::Partly(open),
            };
        }
        match now.iter().find(|interface| !self.is_as_before(interface)) {
            Some(other) if is_cut_off(other) => {
                Standing::Drifted("another fault isolates the instance".to_owned())
            }
            Some(other) => Standing::Drifted(self.difference(other)),
            None if now.len() < self.interfaces.len() => {
                Standing::Drifted("the instance has lost a network interface".to_owned())
            }
            None => Standing::AsBefore,
        }
    }

    /// The reason why the instance is not cut off, although a part of the fault exists.
    fn what_is_open(&self, groups: &[bool], now: &[Interface], fault: FaultId) -> Option<String> {
        let is_shut = |interface: &&Interface| {
            !interface.groups.is_empty()
                && interface.groups.iter().all(|group| is_isolation_of(fault, &group.name))
        };
        if let Some(open) = now.iter().find(|interface| !is_shut(interface)) {
            return Some(format!("the network interface {} is in another security group", open.id));
        }
        if now.is_empty() {
            return Some("the instance has no network interface".to_owned());
        }
        let has_rules = groups.contains(&false);
        has_rules.then(|| "the security group that isolates has a rule".to_owned())
    }

    fn is_as_before(&self, interface: &Interface) -> bool {
        let now: BTreeSet<&str> = interface.groups.iter().map(|group| group.id.as_str()).collect();
        self.interfaces.get(&interface.id).is_some_and(|before| {
            before.security_groups.iter().map(String::as_str).collect::<BTreeSet<_>>() == now
        })
    }

    /// How the security groups of an interface differ.
    fn difference(&self, now: &Interface) -> String {
        let before = self.interfaces.get(&now.id).map_or(&[][..], |before| &before.security_groups);
        let is_lost = |id: &&String| !now.groups.iter().any(|group| group.id == **id);
        let lost: Vec<&str> = before.iter().filter(is_lost).map(String::as_str).collect();
        let what = format!("the network interface {} is in other security groups", now.id);
        if lost.is_empty() { what } else { format!("{what}, and no longer in {}", lost.join(" and ")) }
    }

    fn vpcs(&self) -> BTreeSet<&str> {
        self.interfaces.values().map(|connected| connected.vpc.as_str()).collect()
    }
}

impl InterfaceIsolation {
    pub(crate) fn new(reach: Reach) -> Self {
        Self { reach }
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

    /// Whether the interfaces may be looked up, and each may be put into its current security groups, as the recovery
    /// does.
    pub(crate) async fn may_put_back(&self) -> Result<()> {
        let interfaces = self.interfaces().await?;
        self.look_up(interfaces.iter().map(|interface| interface.id.clone()).collect()).await?;
        for interface in interfaces {
            let groups = interface.groups.into_iter().map(|group| group.id).collect();
            let call = self.reach.region.ec2().modify_network_interface_attribute();
            let call = call.network_interface_id(&interface.id).set_groups(Some(groups)).dry_run(true);
            let asked = is_permitted("ec2:ModifyNetworkInterfaceAttribute", &self.reach, call.send().await);
            asked.map_err(|error| error.with("interface", &interface.id))?;
        }
        Ok(())
    }

    async fn cut_off(&self, before: &Snapshot, permit: &Permit) -> Result<()> {
        let interfaces = self.interfaces().await?;
        if interfaces.is_empty() {
            let what = "the instance has no network interface in a VPC, so it cannot be isolated";
            return Err(Error::new(ErrorKind::Unsupported, what));
        }
        if !before.is_of(&interfaces, permit.fault()) {
            let what =
                "the instance's network interfaces have changed since they were read; nothing was cut off";
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
            if let Err(error) = self.move_back(&interface.id, groups).await {
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

    /// Looks at the interfaces of the snapshot, at the groups of the fault, and at the instance itself, if it exists.
    async fn stands(&self, before: &Snapshot, fault: FaultId) -> Result<Standing> {
        let held = self.look_up(before.interfaces.keys().cloned().collect()).await?;
        let mut groups = Vec::new();
        for vpc in before.vpcs() {
            groups.extend(IsolationGroup::of(fault, vpc, &self.reach).is_without_rules().await?);
        }
        let machine = machine(&self.reach.region, &self.reach.instance).await?;
        let now = machine.filter(|machine| !machine.is_gone()).map(|machine| machine.interfaces);
        Ok(before.standing(&held, &groups, now.as_deref(), fault))
    }

    /// Moves an interface back to those of these groups that still exist. While the interface was elsewhere, nothing
    /// kept its groups from being deleted, and EC2 refuses a list with a group that it does not know.
    async fn move_back(&self, interface: &str, groups: Vec<String>) -> Result<()> {
        let refused = match self.move_to(interface, groups.clone()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => error,
            moved => return moved,
        };
        let existing = self.existing(&groups).await?;
        let (left, gone): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| existing.contains(group));
        if gone.is_empty() {
            return Err(refused);
        }
        if left.is_empty() {
            let what = "the former security groups of a network interface were all deleted, so it stays cut off: \
                move it to another security group";
            let error = Error::new(ErrorKind::Conflict, what).with("interface", interface);
            return Err(error.with("gone", gone.join(", ")).caused_by(refused));
        }
        tracing::warn!(
            interface,
            gone = gone.join(", "),
            "security groups of a network interface were deleted \
            meanwhile; it moves back to the others"
        );
        self.move_to(interface, left).await
    }

    /// Those of these security groups that exist.
    async fn existing(&self, ids: &[String]) -> Result<BTreeSet<String>> {
        const ACTION: &str = "ec2:DescribeSecurityGroups";
        let fetch = |token: Option<String>| {
            let filter = Filter::builder().name("group-id").set_values(Some(ids.to_vec())).build();
            let call =
                self.reach.region.ec2().describe_security_groups().filters(filter).set_next_token(token);
            async move {
                let answer = call.send().await.map_err(|error| failed(ACTION, self.region(), error))?;
                let found = told(answer.security_groups, "securityGroupInfo")?.into_iter();
                let found = found.map(|group| told(group.group_id, "groupId"));
                Ok((found.collect::<Result<Vec<_>>>()?, answer.next_token))
            }
        };
        let found: Vec<Vec<_>> = Box::pin(pages(fetch)).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn move_to(&self, interface: &str, groups: Vec<String>) -> Result<()> {
        let call = self.reach.region.ec2().modify_network_interface_attribute();
        let call = call.network_interface_id(interface).set_groups(Some(groups));
        call.send().await.map(|_| ()).map_err(|error| {
            failed("ec2:ModifyNetworkInterfaceAttribute", self.region(), error).with("interface", interface)
        })
    }

    /// These interfaces, as far as they still exist. They may be attached to any instance now, or to none.
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
impl Settings for InterfaceIsolation {
    fn can_change(&self) -> SettingSet {
        SettingSet::of([Setting::Isolation])
    }

    async fn snapshot(&self, change: &Change) -> Result<SettingsSnapshot> {
        is_to_isolate(change)?;
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
        SettingsSnapshot::of(&Snapshot { interfaces: interfaces.into_iter().map(connected).collect() })
    }

    async fn apply(&self, change: &Change, before: &SettingsSnapshot, permit: &Permit) -> Result<()> {
        is_to_isolate(change)?;
        let before = before.read()?;
        let applied = permit.in_time(self.cut_off(&before, permit)).await.and_then(|applied| applied);
        applied.map_err(|error| self.named(error).with("fault", permit.fault()))
    }

    async fn restore(&self, before: &SettingsSnapshot, permit: &Permit) -> Result<()> {
        let restored = self.put_back(&before.read()?, permit).await;
        restored.map_err(|error| self.named(error).with("fault", permit.fault()))
    }

    async fn standing(&self, before: &SettingsSnapshot, fault: FaultId) -> Result<Standing> {
        let looked = self.stands(&before.read()?, fault).await;
        looked.map_err(|error| self.named(error).with("fault", fault))
    }
}

/// # Errors
/// `Unsupported` for any other change.
fn is_to_isolate(change: &Change) -> Result<()> {
    match change {
        Change::Isolate => Ok(()),
        other => Err(Error::unsupported(format!("changing {} of an instance", other.setting()))),
    }
}

fn is_cut_off(interface: &Interface) -> bool {
    interface.groups.iter().any(|group| is_isolation(&group.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::machine::SecurityGroup;

    const FAULT: &str = "00000000000000ff";

    fn interface(id: &str, groups: &[(&str, &str)]) -> Interface {
        let group =
            |(id, name): &(&str, &str)| SecurityGroup { id: (*id).to_owned(), name: (*name).to_owned() };
        Interface { id: id.to_owned(), vpc: "vpc-1".to_owned(), groups: groups.iter().map(group).collect() }
    }

    fn own(id: &str) -> Interface {
        interface(id, &[("sg-1", "web"), ("sg-2", "ssh")])
    }

    fn cut_off(id: &str) -> Interface {
        interface(id, &[("sg-9", "chaos-isolation-00000000000000ff")])
    }

    /// How an instance that had the interfaces `eni-1` and `eni-2` stands.
    fn standing(now: Option<&[Interface]>, groups: &[bool]) -> Standing {
        let connected = |_| Connected {
            vpc: "vpc-1".to_owned(),
            security_groups: vec!["sg-2".to_owned(), "sg-1".to_owned()],
        };
        let ids = ["eni-1", "eni-2"];
        let before = Snapshot { interfaces: ids.map(|id| (id.to_owned(), connected(id))).into() };
        before.standing(now.unwrap_or_default(), groups, now, FAULT.parse().unwrap())
    }

    #[test]
    fn what_is_cut_off_as_a_whole_is_changed() {
        let both = [cut_off("eni-1"), cut_off("eni-2")];
        assert_eq!(standing(Some(&both), &[true]), Standing::Changed);
        for (now, groups) in [
            (Some(&[cut_off("eni-1"), own("eni-2")][..]), &[true][..]),
            (Some(&both), &[false]),
            (Some(&[own("eni-1"), own("eni-2")]), &[true]),
            (Some(&[cut_off("eni-1"), cut_off("eni-2"), own("eni-3")]), &[true]),
            (Some(&[]), &[true]),
            (None, &[true]),
        ] {
            let standing = standing(now, groups);
            assert!(matches!(standing, Standing::Partly(_)), "{now:?}: {standing}");
        }
    }

    #[test]
    fn what_is_not_as_before_is_told() {
        assert_eq!(standing(Some(&[own("eni-1"), own("eni-2")]), &[]), Standing::AsBefore);
        let of_another = interface("eni-2", &[("sg-8", "chaos-isolation-00000000000000fe")]);
        for now in [
            Some(&[own("eni-1"), interface("eni-2", &[("sg-1", "web")])][..]),
            Some(&[own("eni-1"), of_another]),
            Some(&[own("eni-1")]),
            Some(&[own("eni-1"), own("eni-2"), own("eni-3")]),
            None,
        ] {
            let standing = standing(now, &[]);
            assert!(matches!(standing, Standing::Drifted(_)), "{now:?}: {standing}");
        }
    }
}
