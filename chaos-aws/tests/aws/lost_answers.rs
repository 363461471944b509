//! Calls that fail and connections that are cut, in the middle of every change: every fault that was begun is
//! recovered.

use std::time::Duration;

use chaos_aws::AutoScaling;
use chaos_core::{ChaosEvent, ErrorKind, Health, MemoryJournal, Outcome, Provider, fault::FaultRecord};
use chaos_events::{CpuBurn, Reboot, Stop, Terminate};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    cloud::{Cloud, monkey, only_group},
    isolation::{cut_off, isolating},
};

/// The number of attempts that the SDK makes for a call here.
const ATTEMPTS: u64 = 3;

/// One region for each kind of trouble, so that all run side by side.
const REGIONS: [&str; 5] = ["eu-west-1", "us-east-1", "ap-southeast-2", "eu-central-1", "us-west-2"];

/// A region with one group of two, and one kind of trouble.
struct Place<'a> {
    cloud: &'a Cloud,
    region: &'static str,
    how: &'static str,
    /// The number of calls of an action that fail.
    count: u64,
}

impl Place<'_> {
    async fn provider(&self) -> AutoScaling {
        self.cloud.builder().region(self.region).build().await.unwrap()
    }

    fn ec2(&self) -> aws_sdk_ec2::Client {
        let region = aws_config::Region::new(self.region);
        aws_sdk_ec2::Client::new(&self.cloud.setup().into_builder().region(region).build())
    }

    /// Injects with trouble at an action. The group must be as healthy in the end as it was.
    async fn inject(&self, action: &str, event: impl ChaosEvent) -> FaultRecord {
        self.trouble(action);
        let fault = inject(&self.provider().await, event).await;
        self.troubled(action);
        fault
    }

    async fn isolate(&self, action: &str) -> FaultRecord {
        self.trouble(action);
        let (fault, _) = cut_off(&self.provider().await, &self.ec2(), false).await;
        self.troubled(action);
        fault
    }

    fn trouble(&self, action: &str) {
        let Self { region, how, count, .. } = self;
        self.cloud.break_calls(json!({ "do": how, "action": action, "region": region, "count": count }));
    }

    /// Checks that the trouble has hit its calls, and is over.
    fn troubled(&self, action: &str) {
        let told = self.cloud.page("GET", "faults", None);
        let is_own = |fault: &&Value| fault["action"] == action && fault["region"] == self.region;
        let own: Vec<_> = told.as_array().unwrap().iter().filter(is_own).collect();
        assert!(!own.is_empty() && own.iter().all(|fault| fault["met"] == self.count), "{own:?}");
    }
}

/// Injects into a healthy member of the only group, which must be as healthy in the end as it was.
async fn inject(provider: &AutoScaling, event: impl ChaosEvent) -> FaultRecord {
    let group = only_group(provider).await;
    let healthy = group.members.iter().find(|member| member.health == Health::Healthy).unwrap();
    let monkey = monkey(provider.clone(), MemoryJournal::new()).build().unwrap();
    let mut report = monkey.inject(event, healthy.target.id()).await.unwrap();
    assert!(report.is_recovered() && report.faults.len() == 1, "{report:?}");
    let after = only_group(provider).await;
    assert_eq!((after.healthy(), after.members.len()), (2, 2), "{report:?}");
    report.faults.remove(0)
}

fn everywhere() -> Option<Cloud> {
    Cloud::with(REGIONS.map(|region| json!({ "name": "web", "region": region, "size": 2 })).to_vec().into())
}

fn stop() -> Stop {
    Stop::lasting(Duration::from_secs(5)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_once_is_got_over() {
    let Some(cloud) = everywhere() else { return };
    let places = ["http_500", "cut_before", "cut_after", "throttle"].into_iter().zip(REGIONS);
    let each = places.map(async |(how, region)| {
        let place = Place { cloud: &cloud, region, how, count: 1 };
        let mut faults = vec![
            place.inject("TerminateInstances", Terminate::default()).await,
            place.isolate("ModifyNetworkInterfaceAttribute").await,
        ];
        // In the SDK's adaptive mode, a client that was throttled once is slower from then on.
        if how != "throttle" {
            faults.push(place.inject("StopInstances", stop()).await);
            faults.push(place.inject("StartInstances", stop()).await);
            faults.push(place.inject("RebootInstances", Reboot::default()).await);
            for action in ["CreateSecurityGroup", "RevokeSecurityGroupEgress", "DeleteSecurityGroup"] {
                faults.push(place.isolate(action).await);
            }
        }
        for fault in faults {
            assert_eq!(fault.failure, None, "{how}: {fault:?}");
        }
    });
    join_all(each).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_good_is_taken_to_have_happened_and_brought_back() {
    let Some(cloud) = everywhere() else { return };
    let places = [
        ("http_500", ErrorKind::Unavailable, ATTEMPTS),
        ("cut_before", ErrorKind::Unavailable, ATTEMPTS),
        ("cut_after", ErrorKind::Unavailable, ATTEMPTS),
        ("expired_token", ErrorKind::Denied, 1),
        ("throttle", ErrorKind::Throttled, ATTEMPTS),
    ];
    // Every attempt of the injection fails, and none of the recovery.
    let each = places.into_iter().zip(REGIONS).map(async |((how, kind, count), region)| {
        let place = Place { cloud: &cloud, region, how, count };
        let mut faults = vec![
            place.inject("TerminateInstances", Terminate::default()).await,
            place.isolate("ModifyNetworkInterfaceAttribute").await,
        ];
        if how != "throttle" {
            faults.push(place.inject("StopInstances", stop()).await);
            faults.push(place.inject("RebootInstances", Reboot::default()).await);
            faults.push(place.isolate("CreateSecurityGroup").await);
            faults.push(place.isolate("RevokeSecurityGroupEgress").await);
        }
        for fault in faults {
            assert_eq!(fault.failure.as_ref().map(|failure| failure.kind), Some(kind), "{how}: {fault:?}");
        }
        assert!(isolating(&place.ec2()).await.is_empty());
    });
    join_all(each).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_whose_sending_is_cut_leaves_nothing_that_runs() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    for how in ["cut_before", "cut_after"] {
        // The first is the preflight, which only looks and is sent again. The second is the start, which is not sent
        // again.
        let start = json!({ "do": how, "action": "SendCommand", "nth": 2 });
        let burn = CpuBurn::default().cores(1).unwrap().lasting(Duration::from_secs(60)).unwrap();
        cloud.break_calls(start);
        let fault = inject(&cloud.provider().await, burn).await;
        cloud.page("DELETE", "faults", None);
        assert_eq!(fault.failure.as_ref().unwrap().kind, ErrorKind::Unavailable, "{fault:?}");
        assert_eq!(marked(&fault.id.to_string()), 0);
    }
}

/// The number of processes of this machine, including those of instances, that have the mark of a fault.
fn marked(fault: &str) -> usize {
    let mark = format!("CHAOS_FAULT={fault}");
    let environments = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.unwrap().path().join("environ")).ok());
    environments
        .filter(|environment| {
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        })
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_with_termination_protection_refuses() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    let provider = cloud.provider().await;
    let members: Vec<_> =
        only_group(&provider).await.members.iter().map(|member| member.target.id().clone()).collect();
    let protection = aws_sdk_ec2::types::AttributeBooleanValue::builder().value(true).build();
    for id in &members {
        let call = cloud.ec2().await.modify_instance_attribute().instance_id(id.name());
        call.disable_api_termination(protection.clone()).send().await.unwrap();
    }
    let fault = inject(&provider, Terminate::default()).await;
    let failure = fault.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::Refused);
    assert!(failure.message.contains("termination or stop protection"), "{failure}");
    for id in &members {
        assert!(provider.resolve(id).await.unwrap().is_some());
    }
}

/// Terminates its target in the middle of a fault, as somebody else might.
mod gone {
    use std::sync::Arc;

    use chaos_core::{Observer, TargetId, observer::Activity};
    use jiff::Timestamp;

    #[derive(Debug)]
    pub(super) struct Gone {
        pub(super) ec2: aws_sdk_ec2::Client,
        pub(super) target: Arc<TargetId>,
        pub(super) at: fn(&Activity) -> bool,
    }

    impl Observer for Gone {
        fn observe(&self, _: Timestamp, activity: &Activity) {
            if (self.at)(activity) {
                let terminate = self.ec2.terminate_instances().instance_ids(self.target.name()).send();
                let now = tokio::runtime::Handle::current();
                tokio::task::block_in_place(|| now.block_on(async { terminate.await.unwrap() }));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_gone_meanwhile_is_skipped_or_recovered() {
    use chaos_core::observer::Activity;
    let Some(cloud) = Cloud::with_web(2) else { return };
    let events: [fn() -> Box<dyn ChaosEvent>; 4] = [
        || Box::new(Terminate::default()),
        || Box::new(stop()),
        || Box::new(Reboot::default()),
        || Box::new(CpuBurn::default().lasting(Duration::from_secs(6)).unwrap()),
    ];
    for event in events {
        for (at, is_injected) in [
            ((|activity| matches!(activity, Activity::Planned { .. })) as fn(&Activity) -> bool, false),
            (|activity| matches!(activity, Activity::Injecting { .. }), true),
        ] {
            let provider = cloud.provider().await;
            let target = only_group(&provider).await.members[0].target.id().clone();
            let gone = gone::Gone { ec2: cloud.ec2().await, target: target.clone().into(), at };
            let monkey = monkey(provider.clone(), MemoryJournal::new()).observer(gone).build().unwrap();
            let event: std::sync::Arc<dyn ChaosEvent> = event().into();
            let name = event.name();
            cloud.forget_calls();
            let report = monkey.inject(event, &target).await.unwrap();
            assert!(report.is_recovered(), "{name}: {report:?}");
            assert_eq!(report.faults.len(), usize::from(is_injected), "{name}: {report:?}");
            if !is_injected {
                assert_eq!(report.outcome(), Outcome::Skipped, "{name}: {report:?}");
                assert_eq!(report.skipped[0].reason.to_string(), "it is gone", "{name}");
            }
            assert!(provider.resolve(&target).await.unwrap().is_none());
            let after = only_group(&provider).await;
            assert_eq!((after.healthy(), after.members.len()), (2, 2), "{name}: the group has replaced it");
        }
    }
}
