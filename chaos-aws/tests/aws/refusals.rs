//! A temporary refusal of AWS ends no recovery. If AWS would refuse the recovery, no fault begins.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use chaos_aws::AutoScaling;
use chaos_core::{
    Capability, CapabilitySet, ErrorKind, Health, MemoryJournal, Observer, Outcome, Provider, Result,
    async_trait,
    capability::{Change, Undo},
    clock::{Clock, SystemClock},
    fault::FaultState,
    observer::{Activity, Intended},
};
use chaos_events::{Reboot, Stop, Terminate};
use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    cloud::{Cloud, monkey, only_group, policies},
    events::left_behind,
};

/// Does something at each activity, before anything follows it.
struct At<F>(F);

impl<F> fmt::Debug for At<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("At")
    }
}

impl<F: Fn(&Activity) + Send + Sync + 'static> Observer for At<F> {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        (self.0)(activity);
    }
}

fn stop() -> Stop {
    Stop::lasting(Duration::from_secs(2)).unwrap()
}

/// This policy, without one of its actions.
fn without(policy: &str, action: &str) -> Value {
    let mut policy = policies()[policy].clone();
    let statements = policy["Statement"].as_array_mut().unwrap();
    for statement in statements.iter_mut() {
        statement["Action"].as_array_mut().unwrap().retain(|held| held != action);
    }
    statements.retain(|statement| !statement["Action"].as_array().unwrap().is_empty());
    policy
}

fn allow(cloud: &Cloud, policy: Value) {
    cloud.page("POST", "policy", Some(json!({ "policy": policy, "except": ["setup"] })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_passes_ends_no_recovery() {
    let ways = [
        ("eu-west-1", json!({ "do": "access_denied" })),
        ("us-east-1", json!({ "do": "expired_token" })),
        ("us-west-2", json!({ "do": "error", "code": "UnauthorizedOperation", "status": 403 })),
        ("eu-central-1", json!({ "do": "error", "code": "UnsupportedOperation" })),
        ("ap-southeast-2", json!({ "do": "web_page", "status": 403 })),
    ];
    let groups: Vec<_> =
        ways.iter().map(|(region, _)| json!({ "name": "web", "region": region, "size": 2 })).collect();
    let Some(cloud) = Cloud::with(groups.into()) else { return };
    let cloud = Arc::new(cloud);
    let each = ways.into_iter().map(|(region, mut way)| {
        let cloud = Arc::clone(&cloud);
        async move {
            way["region"] = region.into();
            way["count"] = 5.into();
            let provider = cloud.builder().region(region).build().await.unwrap();
            let target = only_group(&provider).await.members[0].target.id().clone();
            let breaking = {
                let (cloud, way) = (Arc::clone(&cloud), way.clone());
                At(move |activity: &Activity| {
                    if matches!(activity, Activity::HoldEnded { .. }) {
                        cloud.break_calls(way.clone());
                    }
                })
            };
            let monkey = monkey(provider.clone(), MemoryJournal::new()).observer(breaking).build().unwrap();
            let report = monkey.inject(stop(), &target).await.unwrap();
            assert!(report.is_recovered(), "{way}: {report:?}");
            let health = provider.resolve(&target).await.unwrap().unwrap().health().await.unwrap();
            assert_eq!(health, Health::Healthy, "{way}");
        }
    });
    let count = each.len();
    join_all(each).await;
    assert!(cloud.count("StartInstances") >= count, "{:?}", cloud.calls());
    let faults = cloud.page("GET", "faults", None);
    assert!(faults.as_array().unwrap().iter().all(|fault| fault["met"] == 5), "{faults}");
}

/// In a process that must first assume its role, through a proxy that requires a login.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_behind_a_login_page_ends_no_recovery() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    cloud.allow_everything();
    let target = only_group(&cloud.provider().await).await.members[0].target.id().clone();
    let journal = MemoryJournal::new();
    let stop = Stop::lasting(Duration::from_secs(600)).unwrap();
    left_behind(&cloud, &journal, stop, &target, Duration::from_secs(300)).await;
    cloud.break_calls(json!({ "do": "web_page", "action": "AssumeRole", "status": 407, "count": 4 }));
    let role = cloud.builder().assume_role("arn:aws:iam::123456789012:role/chaos").build().await.unwrap();
    let error = role.resolve(&target).await.unwrap_err();
    assert!(!error.is_final(), "{error:?}");
    let replaying = monkey(role, journal).build().unwrap();
    let fault = replaying.recover_pending().await.unwrap().faults.remove(0);
    assert_eq!(fault.state, FaultState::Recovered, "{fault:?}");
    assert_eq!(cloud.count("StartInstances"), 1);
    assert_eq!(cloud.page("GET", "faults", None)[0]["met"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_stop_and_not_start_stops_nobody() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    allow(&cloud, without("lifecycle", "ec2:StartInstances"));
    let provider = cloud.provider().await;
    let stopping = monkey(provider.clone(), MemoryJournal::new()).event(stop()).build().unwrap();
    let plan = stopping.plan().await.unwrap();
    assert_eq!(plan.chosen().count(), 0, "{plan}");
    let report = stopping.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped, "{report:?}");
    for told in [plan.why_nothing().join(" "), report.why_nothing().join(" ")] {
        assert!(told.contains("missing=\"ec2:StartInstances\""), "{told}");
    }
    // An instance that does not come up after a reboot is started.
    let rebooting = monkey(provider.clone(), MemoryJournal::new()).event(Reboot::default()).build().unwrap();
    assert_eq!(rebooting.run_once().await.unwrap().outcome(), Outcome::Skipped);
    let orders = ["StopInstances", "StartInstances", "RebootInstances"].map(|order| cloud.count(order));
    assert_eq!(orders, [0, 0, 0]);
    assert_eq!(only_group(&provider).await.healthy(), 2);
    // A termination has no recovery that could be refused.
    let terminating = monkey(provider, MemoryJournal::new()).event(Terminate::default()).build().unwrap();
    cloud.forget_calls();
    assert_eq!(terminating.run_once().await.unwrap().outcome(), Outcome::Completed);
    assert!(cloud.calls().iter().all(|call| !call.ends_with("(dry run)")), "{:?}", cloud.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_cut_off_and_not_put_back_is_told() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let provider = cloud.provider().await;
    let target = only_group(&provider).await.members[0].target.clone();
    let settings = target.capabilities().settings.unwrap();
    let before = settings.snapshot(&Change::Isolate).await.unwrap();
    let undo = Undo::new(CapabilitySet::of([Capability::Isolation]), Duration::from_secs(60));
    target.may_undo(&undo).await.unwrap();
    for action in ["ec2:DescribeNetworkInterfaces", "ec2:ModifyNetworkInterfaceAttribute"] {
        allow(&cloud, without("full", action));
        let error = target.may_undo(&undo).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
        assert!(error.to_string().contains(&format!("missing=\"{action}\"")), "{error}");
    }
    assert_eq!(settings.snapshot(&Change::Isolate).await.unwrap(), before);
    assert_eq!(cloud.count("ModifyNetworkInterfaceAttribute"), 0, "but as a dry run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_and_given_back_ends_no_recovery() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    let cloud = Arc::new(cloud);
    let provider = cloud.provider().await;
    let target = only_group(&provider).await.members[0].target.id().clone();
    let rights = {
        let cloud = Arc::clone(&cloud);
        At(move |activity: &Activity| match activity {
            Activity::Injected { .. } => allow(&cloud, without("lifecycle", "ec2:StartInstances")),
            Activity::RecoveryRetried { attempt: 3, .. } => cloud.allow("lifecycle"),
            _ => {}
        })
    };
    let monkey = monkey(provider.clone(), MemoryJournal::new()).observer(rights).build().unwrap();
    let report = monkey.inject(stop(), &target).await.unwrap();
    assert!(report.is_recovered(), "{report:?}");
    assert!(cloud.count("StartInstances") >= 2, "{:?}", cloud.calls());
    assert_eq!(only_group(&provider).await.healthy(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_end_before_the_fault_does_are_a_doubt() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    let of = |within: u64| {
        let end = SystemTime::from(SystemClock::default().now() + Duration::from_secs(within));
        let credentials = Credentials::new("test", "test", None, Some(end), "test");
        let given = SharedCredentialsProvider::new(credentials);
        AutoScaling::builder().sdk_config(cloud.config().into_builder().credentials_provider(given).build())
    };
    let plan = async |within| {
        let provider = of(within).build().await.unwrap();
        let monkey =
            monkey(provider, MemoryJournal::new()).event(stop()).recovery_budget(Duration::from_secs(300));
        monkey.build().unwrap().plan().await.unwrap()
    };
    let lasting = plan(600).await;
    assert_eq!(lasting.chosen().count(), 1, "{lasting}");
    let ending = plan(240).await;
    assert_eq!(ending.chosen().count(), 0, "{ending}");
    let told = ending.why_nothing().join(" ");
    assert!(told.contains("they_end=") && told.contains("undone_by="), "{told}");
    assert_eq!(cloud.count("StopInstances"), 0);
}

/// Suspends a process of the group when a member is about to be hit.
#[derive(Debug)]
struct Suspends {
    autoscaling: aws_sdk_autoscaling::Client,
    process: &'static str,
}

#[async_trait]
impl Observer for Suspends {
    fn observe(&self, _: Timestamp, _: &Activity) {}

    async fn before_injection(&self, _: Timestamp, _: &Intended) -> Result<()> {
        let suspend = self.autoscaling.suspend_processes().auto_scaling_group_name("web");
        suspend.scaling_processes(self.process).send().await.unwrap();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_terminated_whom_the_group_replaces_no_more() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    let autoscaling = aws_sdk_autoscaling::Client::new(&cloud.setup());
    for process in ["Launch", "Terminate", "ReplaceUnhealthy", "HealthCheck"] {
        let suspends = Suspends { autoscaling: autoscaling.clone(), process };
        let monkey = monkey(cloud.provider().await, MemoryJournal::new()).event(Terminate::default());
        let report = monkey.observer(suspends).build().unwrap().run_once().await.unwrap();
        assert_eq!(report.plan.chosen().count(), 1, "{process}: {report}");
        assert_eq!(report.outcome(), Outcome::Skipped, "{process}: {report}");
        assert!(report.to_string().contains("does not replace its members"), "{process}: {report}");
        autoscaling.resume_processes().auto_scaling_group_name("web").send().await.unwrap();
    }
    assert_eq!(cloud.count("TerminateInstances"), 0);
}
