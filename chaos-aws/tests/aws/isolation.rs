//! Isolation by security groups, and its leftovers.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_ec2::types::{IpPermission, IpRange, SecurityGroup};
use chaos_aws::AutoScaling;
use chaos_core::{
    CapabilitySet, ChaosEvent, Group, Hold, MemoryJournal, Monkey, Outcome, Prepared, Registry, Result,
    Scope, async_trait,
    capability::{Change, Standing},
    fault::{FaultRecord, FaultState},
    observer::{self, Activity},
};
use chaos_testkit::{Connect, CutOff};
use serde_json::json;

use crate::cloud::{Cloud, only_group};

pub(crate) async fn isolating(ec2: &aws_sdk_ec2::Client) -> Vec<SecurityGroup> {
    let groups = ec2.describe_security_groups().send().await.unwrap().security_groups.unwrap();
    let isolates = |group: &SecurityGroup| group.group_name().unwrap().starts_with("chaos-isolation-");
    groups.into_iter().filter(isolates).collect()
}

/// Lets SSH into every group that isolates.
async fn open(ec2: &aws_sdk_ec2::Client) {
    for group in isolating(ec2).await {
        let anywhere = IpRange::builder().cidr_ip("10.0.0.0/8").build();
        let ssh = IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(22).ip_ranges(anywhere);
        let call = ec2.authorize_security_group_ingress().group_id(group.group_id().unwrap());
        call.ip_permissions(ssh.build()).send().await.unwrap();
    }
}

/// The security groups that isolate, with their tags and the number of their rules.
async fn groups(ec2: &aws_sdk_ec2::Client) -> Vec<String> {
    let isolating = isolating(ec2).await;
    isolating
        .iter()
        .map(|group| {
            let rules = group.ip_permissions().len() + group.ip_permissions_egress().len();
            let tag = group.tags().iter().find(|tag| tag.key() == Some("chaos:isolation")).unwrap();
            format!("{} {rules}", tag.value().unwrap())
        })
        .collect()
}

/// A monkey that undoes isolations.
fn connecting(provider: &AutoScaling) -> Monkey {
    Monkey::builder()
        .provider(provider.clone())
        .settle(Duration::from_millis(200))
        .unleash(MemoryJournal::new(), Registry::default().register::<Connect>())
        .build()
        .unwrap()
}

/// Isolates a member of the only group and connects it again. Returns the observations in between.
pub(crate) async fn cut_off(
    provider: &AutoScaling,
    ec2: &aws_sdk_ec2::Client,
    is_opened: bool,
) -> (FaultRecord, Vec<String>) {
    let target = only_group(provider).await.members[0].target.clone();
    let settings = target.capabilities().settings.unwrap();
    let before = settings.snapshot(&Change::Isolate).await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let look = {
        let (ec2, seen) = (ec2.clone(), Arc::clone(&seen));
        move || {
            let (ec2, seen) = (ec2.clone(), Arc::clone(&seen));
            async move {
                let groups = groups(&ec2).await;
                *seen.lock().unwrap() = groups;
            }
        }
    };
    let mut event = CutOff::looking(look);
    if is_opened {
        let ec2 = ec2.clone();
        event = event.disturbed_by(move || {
            let ec2 = ec2.clone();
            async move { open(&ec2).await }
        });
    }
    let monkey = connecting(provider);
    let mut report = monkey.inject(event, target.id()).await.unwrap();
    assert!(report.is_recovered() && report.faults.len() == 1, "{report:?}");
    assert_eq!(settings.snapshot(&Change::Isolate).await.unwrap(), before);
    assert!(groups(ec2).await.is_empty(), "the group is removed");
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (report.faults.remove(0), seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_cut_off_by_a_group_without_rules_which_is_removed() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    for is_opened in [false, true] {
        let (fault, seen) = cut_off(&cloud.provider().await, &cloud.ec2().await, is_opened).await;
        assert_eq!(seen, [format!("{} 0", fault.id)]);
        assert!(fault.failure.is_none(), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blackhole_from_outside_is_in_effect_while_it_is_held_and_leaves_nothing() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    let (provider, ec2) = (cloud.provider().await, cloud.ec2().await);
    let target = only_group(&provider).await.members[0].target.id().clone();
    let (observer, mut activities) = observer::channel(NonZeroUsize::new(1024).unwrap());
    let monkey = Monkey::builder()
        .provider(provider)
        .observer(observer)
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()
        .unwrap();
    let asked = json!({ "name": "network-blackhole", "all": true, "from-outside": true, "duration": "3s" });
    let event = chaos_events::catalogue().decode(&asked).unwrap().event().clone();
    let running = tokio::spawn(async move { monkey.inject(event, &target).await.unwrap() });
    let fault = loop {
        match activities.next().await.expect("the fault is injected").activity {
            Activity::Injected { fault, .. } => break fault,
            other => assert!(!matches!(other, Activity::Skipped { .. }), "{other}"),
        }
    };
    assert_eq!(groups(&ec2).await, [format!("{} 0", fault.id)]);

    let report = running.await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert!(groups(&ec2).await.is_empty(), "the group is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_an_isolation_whose_instance_is_terminated() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    let (provider, ec2) = (cloud.provider().await, cloud.ec2().await);
    let target = only_group(&provider).await.members[0].target.id().clone();
    let seen = Arc::new(Mutex::new(0));
    let event = CutOff::looking({
        let (ec2, seen, instance) = (ec2.clone(), Arc::clone(&seen), target.name().to_owned());
        move || {
            let (ec2, seen, instance) = (ec2.clone(), Arc::clone(&seen), instance.clone());
            async move {
                let isolating = isolating(&ec2).await.len();
                *seen.lock().unwrap() = isolating;
                ec2.terminate_instances().instance_ids(instance).send().await.unwrap();
            }
        }
    });
    let monkey = connecting(&provider);
    let report = monkey.inject(event, &target).await.unwrap();
    let fault = &report.faults[0];
    assert!(report.is_recovered() && fault.failure.is_none(), "{report:?}");
    assert!(fault.note.as_ref().unwrap().contains("nothing is left"), "{fault:?}");
    assert_eq!(*seen.lock().unwrap(), 1);
    assert!(isolating(&ec2).await.is_empty());
}

/// A network interface of an instance, whose security groups somebody else changes.
#[derive(Clone, Debug)]
struct Wiring {
    ec2: aws_sdk_ec2::Client,
    interface: String,
    vpc: String,
}

impl Wiring {
    async fn of(ec2: &aws_sdk_ec2::Client, instance: &str) -> Self {
        let found = ec2.describe_instances().instance_ids(instance).send().await.unwrap();
        let interface = &found.reservations()[0].instances()[0].network_interfaces()[0];
        let (interface, vpc) = (interface.network_interface_id().unwrap(), interface.vpc_id().unwrap());
        Self { ec2: ec2.clone(), interface: interface.to_owned(), vpc: vpc.to_owned() }
    }

    async fn groups(&self) -> Vec<String> {
        let call = self.ec2.describe_network_interfaces().network_interface_ids(&self.interface);
        let found = call.send().await.unwrap();
        let groups = found.network_interfaces()[0].groups().iter();
        groups.map(|group| group.group_id().unwrap().to_owned()).collect()
    }

    /// Adds a new security group to those that the interface is in, and returns it.
    async fn add_group(&self) -> String {
        let call = self.ec2.create_security_group().group_name("somebody's").description("somebody's");
        let added = call.vpc_id(&self.vpc).send().await.unwrap().group_id.unwrap();
        let mut groups = self.groups().await;
        groups.push(added.clone());
        let call = self.ec2.modify_network_interface_attribute().network_interface_id(&self.interface);
        call.set_groups(Some(groups)).send().await.unwrap();
        added
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_somebody_adds_meanwhile_stays() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    let (provider, ec2) = (cloud.provider().await, cloud.ec2().await);
    let target = only_group(&provider).await.members[0].target.id().clone();
    let wiring = Wiring::of(&ec2, target.name()).await;
    let mut before = wiring.groups().await;
    let added = Arc::new(Mutex::new(None));
    let event = CutOff::looking({
        let (wiring, added) = (wiring.clone(), Arc::clone(&added));
        move || {
            let (wiring, added) = (wiring.clone(), Arc::clone(&added));
            async move {
                let group = wiring.add_group().await;
                *added.lock().unwrap() = Some(group);
            }
        }
    });
    let report = connecting(&provider).inject(event, &target).await.unwrap();
    assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{report:?}");
    before.push(added.lock().unwrap().take().unwrap());
    let mut after = wiring.groups().await;
    before.sort_unstable();
    after.sort_unstable();
    assert_eq!(after, before);
    assert!(isolating(&ec2).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_deleted_meanwhile_keeps_no_interface_from_the_others() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    let (provider, ec2) = (cloud.provider().await, cloud.ec2().await);
    let target = only_group(&provider).await.members[0].target.clone();
    let wiring = Wiring::of(&ec2, target.id().name()).await;
    let before = wiring.groups().await;
    let deleted = wiring.add_group().await;
    let settings = target.capabilities().settings.unwrap();
    let snapshot = settings.snapshot(&Change::Isolate).await.unwrap();
    let event = CutOff::looking({
        let deleted = deleted.clone();
        move || {
            let (ec2, deleted) = (ec2.clone(), deleted.clone());
            async move {
                ec2.delete_security_group().group_id(deleted).send().await.unwrap();
            }
        }
    });
    let report = connecting(&provider).inject(event, target.id()).await.unwrap();
    let fault = &report.faults[0];
    assert!(report.is_recovered() && fault.failure.is_none(), "{report:?}");
    assert_eq!(wiring.groups().await, before);
    let standing = settings.standing(&snapshot, fault.id).await.unwrap();
    assert!(matches!(&standing, Standing::Drifted(how) if how.contains(&deleted)), "{standing}");
}

/// An isolation with a change by somebody else: between its snapshot and its injection, a group is added.
#[derive(Debug)]
struct Overtaken(CutOff, Wiring);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChaosEvent for Overtaken {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn requires(&self) -> CapabilitySet {
        self.0.requires()
    }

    fn hold(&self) -> Hold {
        self.0.hold()
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        self.0.suits(group)
    }

    fn caveat(&self, group: &Group) -> Option<String> {
        self.0.caveat(group)
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let prepared = self.0.prepare(scope).await?;
        self.1.add_group().await;
        Ok(prepared)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_snapshot_holds_is_not_cut_off() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    let (provider, ec2) = (cloud.provider().await, cloud.ec2().await);
    let target = only_group(&provider).await.members[0].target.id().clone();
    let wiring = Wiring::of(&ec2, target.name()).await;
    let before = wiring.groups().await;
    let event = Overtaken(CutOff::looking(|| async {}), wiring.clone());
    let report = connecting(&provider).inject(event, &target).await.unwrap();
    let fault = &report.faults[0];
    assert_eq!(fault.state, FaultState::Recovered, "{report:?}");
    assert!(fault.failure.as_ref().unwrap().message.contains("nothing was cut off"), "{fault:?}");
    assert_eq!(wiring.groups().await.len(), before.len() + 1, "somebody's own group stays");
    assert!(isolating(&ec2).await.is_empty());
}
