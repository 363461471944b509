use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use async_trait::async_trait;
use chaos_core::{
    Error, ErrorKind, FaultId, Permit, Result,
    capability::{Change, Setting, SettingSet, Settings, SettingsSnapshot, Standing},
};
use serde::{Deserialize, Serialize};

use crate::{
    capability::{
        isolation_rules::{
            ISOLATION_TAG, group_name, is_isolation, may_be_added, rule_names, rules_for, rules_for_everybody,
        },
        reach::Reach,
    },
    client::{
        error::code,
        network::{Interface, LastChange, SecurityGroup},
        permissions::Needed,
    },
    model::{machine::Machine, place::Place, resource_id::ResourceId},
};

/// How often a change is retried after a conflicting change or a temporary error.
const TRIES: u32 = 6;
/// The pause after the first try; doubled after each.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Cuts a machine off by rules of the fault in the security groups of its interfaces, which contain this machine's
/// addresses alone. An interface without a group gets one for that time.
#[derive(Debug)]
pub(crate) struct RuleIsolation {
    reach: Reach,
}

/// The connections of a machine: each of its network interfaces.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Snapshot {
    interfaces: Vec<Held>,
    /// The incarnation of the machine.
    #[serde(default)]
    incarnation: Option<String>,
}

/// A network interface and its former security group, by their ids in ARM.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Held {
    interface: String,
    security_group: Option<String>,
    /// The addresses in the rules of the fault.
    #[serde(default)]
    addresses: BTreeSet<IpAddr>,
}

/// A security group, and the addresses of the machine in it.
type InGroup = (ResourceId, BTreeSet<IpAddr>);

/// A part of the recovery.
#[derive(Debug)]
enum Step {
    RemoveRule { group: ResourceId, name: String },
    TakeOut { interface: ResourceId, group: ResourceId },
    RemoveGroup(ResourceId),
}

/// The interfaces of a machine, as they are now.
struct Connected {
    machine: Machine,
    interfaces: Vec<Interface>,
}

impl Snapshot {
    /// Whether a machine has these connections; an interface with the fault's group had none before.
    fn is_as(&self, connected: &Connected, own: &ResourceId) -> bool {
        let keys = |snapshot: &Self| -> BTreeSet<(String, Option<String>, BTreeSet<IpAddr>)> {
            let held = snapshot.interfaces.iter().map(|held| {
                let group = held.security_group.as_ref().map(|group| group.to_lowercase());
                let group = group.filter(|group| *group != own.key());
                (held.interface.to_lowercase(), group, held.addresses.clone())
            });
            held.collect()
        };
        connected.snapshot().is_ok_and(|now| now.incarnation == self.incarnation && keys(&now) == keys(self))
    }

    /// The steps that remove everything that a fault may have created. Its own group goes last, because a group in use
    /// cannot be removed.
    fn way_back(&self, fault: FaultId, own: &ResourceId) -> Result<Vec<Step>> {
        let mut groups = BTreeMap::new();
        let mut steps = Vec::new();
        for Held { interface, security_group, .. } in &self.interfaces {
            match security_group {
                Some(group) => {
                    let group = ResourceId::parse(group)?;
                    groups.insert(group.key(), group);
                }
                None => {
                    let interface = ResourceId::parse(interface)?;
                    steps.push(Step::TakeOut { interface, group: own.clone() });
                }
            }
        }
        if !steps.is_empty() {
            steps.push(Step::RemoveGroup(own.clone()));
        }
        for group in groups.into_values() {
            let rule = |name| Step::RemoveRule { group: group.clone(), name };
            steps.extend(rule_names(fault).map(rule));
        }
        Ok(steps)
    }
}

impl Connected {
    fn snapshot(&self) -> Result<Snapshot> {
        let held = |interface: &Interface| {
            let security_group = interface.group()?.map(|group| group.as_str().to_owned());
            let addresses = interface.addresses().collect();
            Ok(Held { interface: interface.id().as_str().to_owned(), security_group, addresses })
        };
        let interfaces = self.interfaces.iter().map(held).collect::<Result<_>>()?;
        Ok(Snapshot { interfaces, incarnation: self.machine.unique_id.clone() })
    }

    /// The addresses of the interfaces in each group, and the interfaces without a group.
    fn by_group(&self) -> Result<(BTreeMap<String, InGroup>, Vec<&Interface>)> {
        let mut groups = BTreeMap::new();
        let mut without = Vec::new();
        for interface in &self.interfaces {
            match interface.group()? {
                Some(group) => {
                    let (_, addresses) =
                        groups.entry(group.key()).or_insert_with(|| (group, BTreeSet::new()));
                    addresses.extend(interface.addresses());
                }
                None => without.push(interface),
            }
        }
        Ok((groups, without))
    }
}

impl RuleIsolation {
    pub(crate) fn new(reach: Reach) -> Self {
        Self { reach }
    }

    async fn connected(&self) -> Result<Connected> {
        let machine = self.reach.find().await?;
        if machine.interfaces.is_empty() {
            let what = "Azure lists no network interface of the machine";
            return Err(Error::new(ErrorKind::Unavailable, what));
        }
        let mut interfaces = Vec::with_capacity(machine.interfaces.len());
        for id in &machine.interfaces {
            let found = self.reach.azure.network.interface(&ResourceId::parse(id)?).await?;
            interfaces.push(found.ok_or_else(|| {
                Error::new(ErrorKind::Conflict, "a network interface of the machine no longer exists")
                    .with("interface", id)
            })?);
        }
        Ok(Connected { machine, interfaces })
    }

    /// The actions that a role must allow for an isolation and its end.
    pub(crate) async fn needed(&self) -> Result<Vec<Needed>> {
        let connected = self.connected().await?;
        let (groups, without) = connected.by_group()?;
        let network = |what: &str| format!("Microsoft.Network/{what}");
        let mut needed = Vec::new();
        for (group, _) in groups.values() {
            let rules = ["write", "delete"]
                .map(|what| network(&format!("networkSecurityGroups/securityRules/{what}")));
            needed.extend(rules.map(|action| Needed::new(action, group.as_str())));
        }
        let without = without.into_iter().filter(|interface| !Interface::is_of_instance(interface.id()));
        for interface in without {
            needed.push(Needed::new(network("networkInterfaces/write"), interface.id().as_str()));
            needed.extend(interface.linked());
            // The group is created for it, in the machine's resource group.
            let place: &Place = &self.reach.place;
            let at =
                format!("/subscriptions/{}/resourceGroups/{}", place.subscription(), place.resource_group());
            let group = ["write", "delete", "join/action"]
                .map(|what| network(&format!("networkSecurityGroups/{what}")));
            needed.extend(group.map(|action| Needed::new(action, at.as_str())));
        }
        Ok(needed)
    }

    async fn group(&self, id: &ResourceId) -> Result<SecurityGroup> {
        let found = self.reach.azure.network.security_group(id).await?;
        found.ok_or_else(|| {
            Error::new(ErrorKind::Conflict, "the security group of a network interface no longer exists")
                .with("security_group", id.as_str())
        })
    }

    /// The group that a fault gives to interfaces without one, beside the machine.
    fn own_group(&self, fault: FaultId) -> Result<ResourceId> {
        let place: &Place = &self.reach.place;
        ResourceId::parse(&format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/networkSecurityGroups/{}",
            place.subscription(),
            place.resource_group(),
            group_name(fault)
        ))
    }

    /// # Errors
    /// If the machine cannot be cut off, or not with certainty. Nothing is changed.
    async fn can_be_cut_off(&self, connected: &Connected) -> Result<()> {
        let (groups, without) = connected.by_group()?;
        if let Some(interface) = without.iter().find(|interface| Interface::is_of_instance(interface.id())) {
            let what = "isolation of an instance without security groups on the interfaces of its scale set";
            return Err(Error::unsupported(what).with("interface", interface.id().as_str()));
        }
        for (id, addresses) in groups.values() {
            if addresses.is_empty() {
                let what = "a network interface of the machine has no address at the moment";
                return Err(Error::new(ErrorKind::Conflict, what).with("security_group", id.as_str()));
            }
            may_be_added(&self.group(id).await?, addresses)?;
        }
        Ok(())
    }

    async fn is_cut_off(&self, connected: &Connected) -> Result<bool> {
        let (groups, _) = connected.by_group()?;
        for (id, addresses) in groups.values() {
            if is_isolation(id.name()) {
                return Ok(true);
            }
            let rules = self.group(id).await?.rules;
            let is_ours = |address| addresses.contains(address);
            if rules.iter().any(|rule| is_isolation(&rule.name) && rule.addresses.iter().any(is_ours)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn cut_off(&self, before: &Snapshot, permit: &Permit) -> Result<()> {
        let connected = self.connected().await?;
        let own = self.own_group(permit.fault())?;
        if !before.is_as(&connected, &own) {
            let what =
                "the machine's network interfaces have changed since they were read; nothing was cut off";
            return Err(Error::new(ErrorKind::Conflict, what));
        }
        let (mut groups, without) = connected.by_group()?;
        groups.remove(&own.key());
        for (id, addresses) in groups.values() {
            self.add_rules(id, addresses, permit.fault()).await?;
        }
        if !without.is_empty() {
            let network = &self.reach.azure.network;
            let tag = (ISOLATION_TAG, permit.fault().to_string());
            let rules = rules_for_everybody(permit.fault());
            network.put_security_group(&own, &connected.machine.location, tag, &rules).await?;
            for interface in without {
                network.put_interface(interface, Some(&own)).await?;
            }
        }
        Ok(())
    }

    /// Two faults that begin at the same time may choose the same priority; the second then looks again.
    async fn add_rules(&self, id: &ResourceId, addresses: &BTreeSet<IpAddr>, fault: FaultId) -> Result<()> {
        for number in 1.. {
            let mut added = Ok(());
            for rule in rules_for(fault, &self.group(id).await?, addresses)? {
                added = self.reach.azure.network.put_rule(id, &rule).await;
                if added.is_err() {
                    break;
                }
            }
            match added {
                Err(error) if number < TRIES && code(&error) == Some("SecurityRuleConflict") => {}
                added => return added.map_err(|error| error.with("security_group", id.as_str())),
            }
        }
        Ok(())
    }

    /// Everything that can be restored is restored before an error of the rest is returned.
    async fn put_back(&self, snapshot: &Snapshot, permit: &Permit) -> Result<()> {
        let own = self.own_group(permit.fault())?;
        let mut put_back = Ok(());
        for step in snapshot.way_back(permit.fault(), &own)? {
            put_back = put_back.and(self.insist(&step).await);
        }
        put_back
    }

    /// Retries temporary errors: the order that has created a group may still be in progress, and a look at the
    /// machine's isolation does not see a leftover group beside it.
    async fn insist(&self, step: &Step) -> Result<()> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.undo(step).await {
                Err(error) if error.is_retryable() => self.reach.azure.clock.sleep(pause).await,
                done => return done,
            }
            pause *= 2;
        }
        let done = self.undo(step).await;
        if let Err(error) = &done {
            tracing::warn!(machine = %self.reach.place, error = %error.chain(), "the isolation of a machine could not \
                be removed");
        }
        done
    }

    async fn is_anything_left(&self, before: &Snapshot, fault: FaultId, own: &ResourceId) -> Result<bool> {
        for step in before.way_back(fault, own)? {
            if !self.is_done(&step).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn stands(&self, before: &Snapshot, fault: FaultId) -> Result<Standing> {
        let own = self.own_group(fault)?;
        let is_left = self.is_anything_left(before, fault, &own).await?;
        // Another machine that has its name now does not concern this fault.
        let is_it =
            |machine: &Machine| before.incarnation.is_none() || machine.unique_id == before.incarnation;
        if !self.reach.look().await?.is_some_and(|machine| is_it(&machine)) {
            let gone = "the machine no longer exists".to_owned();
            return Ok(if is_left { Standing::Partly(gone) } else { Standing::Drifted(gone) });
        }
        let connected = self.connected().await?;
        // A document shows a change before it is done. The change may still fail, so the document proves nothing yet.
        match self.last_change(&connected).await? {
            (_, LastChange::Done) => {}
            (_, LastChange::UnderWay) => return Ok(Standing::UnderWay),
            (id, LastChange::Failed) => {
                return Ok(Standing::Partly(format!("Azure reports that the last change of {id} failed")));
            }
        }
        if is_left {
            let open = self.what_is_open(before, &connected, fault, &own).await?;
            return Ok(open.map_or(Standing::Changed, Standing::Partly));
        }
        Ok(if self.is_cut_off(&connected).await? {
            Standing::Drifted("another fault isolates the machine".to_owned())
        } else if before.is_as(&connected, &own) {
            Standing::AsBefore
        } else {
            Standing::Drifted("its network interfaces have other connections".to_owned())
        })
    }

    /// The first resource, by its id, whose last change is not done, with the state of that change.
    async fn last_change(&self, connected: &Connected) -> Result<(String, LastChange)> {
        let is_undone = |(_, change): &(String, LastChange)| *change != LastChange::Done;
        let of_interface =
            |interface: &Interface| (interface.id().as_str().to_owned(), interface.last_change());
        if let Some(undone) = connected.interfaces.iter().map(of_interface).find(is_undone) {
            return Ok(undone);
        }
        let (groups, _) = connected.by_group()?;
        for (id, _) in groups.values() {
            let undone = (id.as_str().to_owned(), self.group(id).await?.last_change());
            if is_undone(&undone) {
                return Ok(undone);
            }
        }
        Ok((String::new(), LastChange::Done))
    }

    /// The reason why the machine is not cut off, although a part of the fault exists.
    async fn what_is_open(
        &self,
        before: &Snapshot,
        connected: &Connected,
        fault: FaultId,
        own: &ResourceId,
    ) -> Result<Option<String>> {
        if !before.is_as(connected, own) {
            return Ok(Some(
                "its network interfaces have other connections than when it was cut off".to_owned(),
            ));
        }
        let (groups, without) = connected.by_group()?;
        if let Some(open) = without.first() {
            return Ok(Some(format!("the network interface {} has no security group", open.id().name())));
        }
        for (key, (id, addresses)) in &groups {
            let group = self.group(id).await?;
            let is_whole = match *key == own.key() {
                true => rules_for_everybody(fault).iter().all(|rule| group.has_rule(&rule.name)),
                false => rules_for(fault, &group, addresses).is_ok_and(|missing| missing.is_empty()),
            };
            if !is_whole {
                return Ok(Some(format!(
                    "a rule that isolates is missing in the security group {}",
                    id.name()
                )));
            }
        }
        Ok(None)
    }

    async fn is_done(&self, step: &Step) -> Result<bool> {
        let network = &self.reach.azure.network;
        Ok(match step {
            Step::RemoveRule { group, name } => {
                let found = network.security_group(group).await?;
                found.is_none_or(|group| !group.has_rule(name))
            }
            Step::TakeOut { interface, group } => match network.interface(interface).await? {
                Some(interface) => interface.group()?.is_none_or(|of| of.key() != group.key()),
                None => true,
            },
            // Under a lock it stays, without rules.
            Step::RemoveGroup(group) => {
                network.security_group(group).await?.is_none_or(|group| group.rules.is_empty())
            }
        })
    }

    async fn undo(&self, step: &Step) -> Result<()> {
        let network = &self.reach.azure.network;
        match step {
            Step::RemoveRule { group, name } => match network.delete_rule(group, name).await {
                Err(error) if is_locked(&error) => {
                    self.write_without(group, |rule| rule.eq_ignore_ascii_case(name)).await
                }
                done => done,
            },
            Step::TakeOut { interface, group } => self.take_out(interface, group).await,
            Step::RemoveGroup(group) => match network.delete_security_group(group).await {
                Err(error) if is_locked(&error) => self.write_without(group, |_| true).await,
                done => done,
            },
        }
    }

    /// Equivalent to deleting rules, if a lock forbids that.
    async fn write_without(&self, group: &ResourceId, are_to_go: impl Fn(&str) -> bool) -> Result<()> {
        let network = &self.reach.azure.network;
        match network.security_group(group).await? {
            Some(found) if found.rules.iter().any(|rule| are_to_go(&rule.name)) => {
                network.put_without_rules(&found, are_to_go).await
            }
            _ => Ok(()),
        }
    }

    /// Takes an interface out of the fault's group, unless somebody has changed its group meanwhile.
    async fn take_out(&self, id: &ResourceId, own: &ResourceId) -> Result<()> {
        let network = &self.reach.azure.network;
        let Some(interface) = network.interface(id).await? else { return Ok(()) };
        if interface.group()?.is_none_or(|group| group.key() != own.key()) {
            return Ok(());
        }
        network.put_interface(&interface, None).await.map_err(|error| error.with("interface", id.as_str()))
    }
}

/// Whether a lock that forbids only deleting is the reason for the refusal.
fn is_locked(error: &Error) -> bool {
    code(error) == Some("ScopeLocked")
}

#[async_trait]
impl Settings for RuleIsolation {
    fn can_change(&self) -> SettingSet {
        SettingSet::of([Setting::Isolation])
    }

    async fn snapshot(&self, change: &Change) -> Result<SettingsSnapshot> {
        is_to_isolate(change)?;
        let looked = async {
            let connected = self.connected().await?;
            if self.is_cut_off(&connected).await? {
                // A snapshot would now contain the changes of another fault.
                let what = "another fault has already isolated the machine";
                return Err(Error::new(ErrorKind::Conflict, what));
            }
            self.can_be_cut_off(&connected).await?;
            if let (id, LastChange::Failed) = self.last_change(&connected).await? {
                // The end of the fault could not be distinguished from that.
                let what = "Azure reports that the last change of the resource failed; repair it first";
                return Err(Error::new(ErrorKind::Conflict, what).with("resource", id));
            }
            connected.snapshot()
        };
        SettingsSnapshot::of(&looked.await.map_err(|error| self.reach.named(error))?)
    }

    async fn apply(&self, change: &Change, before: &SettingsSnapshot, permit: &Permit) -> Result<()> {
        is_to_isolate(change)?;
        let before = before.read()?;
        let applied = permit.in_time(self.cut_off(&before, permit)).await.and_then(|applied| applied);
        applied.map_err(|error| self.reach.named(error).with("fault", permit.fault()))
    }

    async fn restore(&self, before: &SettingsSnapshot, permit: &Permit) -> Result<()> {
        let restored = self.put_back(&before.read()?, permit).await;
        restored.map_err(|error| self.reach.named(error).with("fault", permit.fault()))
    }

    async fn standing(&self, before: &SettingsSnapshot, fault: FaultId) -> Result<Standing> {
        let looked = self.stands(&before.read()?, fault).await;
        looked.map_err(|error| self.reach.named(error).with("fault", fault))
    }
}

/// # Errors
/// `Unsupported` for any other change.
fn is_to_isolate(change: &Change) -> Result<()> {
    match change {
        Change::Isolate => Ok(()),
        other => Err(Error::unsupported(format!("changing {} of a machine", other.setting()))),
    }
}
