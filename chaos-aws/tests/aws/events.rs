//! Events from end to end.

use std::time::Duration;

use chaos_aws::AutoScaling;
use chaos_core::{
    ChaosEvent, Error, ErrorKind, Health, Journal, MemoryJournal, Monkey, Observer, Outcome, Provider,
    TargetId,
    clock::{Clock, SystemClock},
    fault::{FaultState, Milestone},
    observer::Activity,
};
use chaos_events::{Stop, Terminate};
use jiff::Timestamp;
use serde_json::json;

use crate::cloud::{Cloud, monkey, only_group};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_twenty_is_terminated_and_replaced() {
    let Some(cloud) = Cloud::with_web(20) else { return };
    cloud.page("POST", "healing", Some(json!({ "milliseconds": 400 })));
    let provider = cloud.provider().await;
    let journal = MemoryJournal::new();
    let monkey = Monkey::builder()
        .provider(provider.clone())
        .event(Terminate::default())
        .unleash(journal.clone(), chaos_events::registry())
        .build()
        .unwrap();
    let before = only_group(&provider).await;
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
    assert!(report.is_recovered() && report.faults.len() == 1);
    let victim = &report.faults[0].target;
    assert!(before.member(victim).is_some());
    assert!(provider.resolve(victim).await.unwrap().is_none(), "it is gone for good");
    let after = only_group(&provider).await;
    assert_eq!((after.members.len(), after.healthy()), (20, 20));
    assert!(after.member(victim).is_none());
    assert_eq!(cloud.count("TerminateInstances"), 1);
    assert!(journal.pending().await.unwrap().faults.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_with_a_start_where_the_group_leaves_the_instance_alone() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    let provider = cloud.provider().await;
    let target = only_group(&provider).await.members[0].target.id().clone();
    let monkey = Monkey::builder()
        .provider(provider.clone())
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()
        .unwrap();
    let stop = Stop::lasting(Duration::from_secs(4)).unwrap();
    let report = monkey.inject(stop, &target).await.unwrap();
    assert!(report.is_recovered(), "{report:?}");
    assert_eq!((cloud.count("StopInstances"), cloud.count("StartInstances")), (1, 1));
    assert_eq!(provider.resolve(&target).await.unwrap().unwrap().health().await.unwrap(), Health::Healthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_with_the_replacement_where_the_group_takes_the_instance_for_unhealthy() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    let provider = cloud.provider().await;
    let target = only_group(&provider).await.members[0].target.id().clone();
    let journal = MemoryJournal::new();
    let monkey = monkey(provider.clone(), journal.clone()).build().unwrap();
    let stop = Stop::lasting(Duration::from_secs(4)).unwrap();
    let (id, setup) = (target.name().to_owned(), cloud.setup());
    let health_check = async {
        let pending = loop {
            if let Some(fault) = journal.pending().await.unwrap().faults.pop()
                && fault.state == FaultState::Active
            {
                break fault;
            }
            SystemClock::default().sleep(Duration::from_millis(20)).await;
        };
        assert!(pending.note.unwrap().contains("the replacement is the recovery, not the start"));
        let group = aws_sdk_autoscaling::Client::new(&setup);
        let replace = group.terminate_instance_in_auto_scaling_group().instance_id(id);
        replace.should_decrement_desired_capacity(false).send().await.unwrap();
    };
    let (report, ()) = tokio::join!(monkey.inject(stop, &target), health_check);
    let report = report.unwrap();
    // The group has ended it early, perhaps before the first look.
    assert!(matches!(report.outcome(), Outcome::CutShort | Outcome::NoEffect), "{report:?}");
    assert_eq!((cloud.count("StopInstances"), cloud.count("StartInstances")), (1, 0));
    assert!(
        report.faults[0].milestones.iter().any(|reached| reached.milestone == Milestone::Replaced),
        "{report:?}"
    );
    assert!(provider.resolve(&target).await.unwrap().is_none());
    let after = only_group(&provider).await;
    assert_eq!((after.members.len(), after.healthy()), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_instance_or_group_is_told() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let provider = cloud.provider().await;
    let unknown = "aws-asg:123456789012/eu-west-1/web/i-0123456789abcdef0".parse().unwrap();
    assert!(provider.resolve(&unknown).await.unwrap().is_none());
    for text in [
        "aws-asg:123456789012/eu-west-1/web/nobody",
        "aws-asg:123456789012/evil.example/web/i-0123456789abcdef0",
        "aws-asg:eu-west-1/web/i-0123456789abcdef0",
        "x:123456789012/eu-west-1/web/i-01234567",
    ] {
        let error = provider.resolve(&text.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
    }
    let error = provider.group(&"aws-asg:123456789012/eu-west-1/nobody".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// Says when a fault is in effect.
#[derive(Debug)]
struct TellInjected(tokio::sync::mpsc::UnboundedSender<()>);

impl Observer for TellInjected {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        if matches!(activity, Activity::Injected { .. }) {
            let _ = self.0.send(());
        }
    }
}

/// Injects, and ends with all its tasks before the end of the fault. The recovery has at least `budget`.
pub(crate) async fn left_behind(
    cloud: &Cloud,
    journal: &MemoryJournal,
    event: impl ChaosEvent,
    target: &TargetId,
    budget: Duration,
) {
    let (builder, journal, target) = (cloud.builder(), journal.clone(), target.clone());
    let lost = move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
            let monkey = monkey(builder.build().await.unwrap(), journal).recovery_budget(budget);
            let monkey = monkey.observer(TellInjected(tell)).build().unwrap();
            tokio::spawn(async move { monkey.inject(event, &target).await });
            told.recv().await.unwrap();
        });
        drop(runtime);
    };
    tokio::task::spawn_blocking(lost).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_credentials_of_another_account_nothing_is_taken_for_gone() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    let own = cloud.provider().await;
    let other = cloud.of_another_account().await;
    let target = only_group(&own).await.members[0].target.id().clone();
    let refused = |error: &Error| {
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        let text = error.to_string();
        assert!(text.contains("account=\"123456789012\"") && text.contains("\"111122223333\""), "{text}");
    };
    refused(&other.resolve(&target).await.unwrap_err());
    refused(&other.group(&target.group()).await.unwrap_err());
    refused(&other.remains(&target).await.unwrap_err());

    let journal = MemoryJournal::new();
    let short = Duration::from_secs(3);
    left_behind(&cloud, &journal, Stop::lasting(Duration::from_secs(600)).unwrap(), &target, short).await;
    let replay = async |provider: &AutoScaling, budget| {
        let monkey = monkey(provider.clone(), journal.clone()).recovery_budget(budget);
        monkey.build().unwrap().recover_pending().await.unwrap().faults.remove(0)
    };
    // Permissions may arrive late, so no recovery gives up before the end of its budget.
    let fault = replay(&other, short).await;
    assert_eq!(fault.state, FaultState::RecoveryFailed, "{fault:?}");
    assert!(fault.failure.unwrap().message.contains("belong to another account"));
    assert_eq!(journal.pending().await.unwrap().faults.len(), 1, "it still waits for somebody");
    let fault = replay(&own, Duration::from_secs(300)).await;
    assert_eq!(fault.state, FaultState::Recovered, "{fault:?}");
    assert!(journal.pending().await.unwrap().faults.is_empty());
}
