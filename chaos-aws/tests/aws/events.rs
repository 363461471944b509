//! Events from end to end.

use std::time::Duration;

use chaos_core::{
    Clock, ErrorKind, FaultState, Health, Journal, MemoryJournal, Milestone, Monkey, Outcome, Provider,
    SystemClock,
};
use chaos_events::{Stop, Terminate};
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
    assert!(journal.pending().await.unwrap().is_empty());
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
            if let Some(fault) = journal.pending().await.unwrap().pop()
                && fault.state == FaultState::Active
            {
                break fault;
            }
            SystemClock::default().sleep(Duration::from_millis(20)).await;
        };
        assert!(pending.note.unwrap().contains("the replacement is the recovery, and not the start"));
        let group = aws_sdk_autoscaling::Client::new(&setup);
        let replace = group.terminate_instance_in_auto_scaling_group().instance_id(id);
        replace.should_decrement_desired_capacity(false).send().await.unwrap();
    };
    let (report, ()) = tokio::join!(monkey.inject(stop, &target), health_check);
    let report = report.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
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
async fn with_the_credentials_of_another_account_nothing_is_taken_for_gone() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let provider = cloud.provider().await;
    let unknown = "aws-asg:eu-west-1/web/i-0123456789abcdef0".parse().unwrap();
    assert!(provider.resolve(&unknown).await.unwrap().is_none(), "its group is known");
    let elsewhere = "aws-asg:eu-west-1/other/i-0123456789abcdef0".parse().unwrap();
    assert_eq!(provider.resolve(&elsewhere).await.unwrap_err().kind(), ErrorKind::Conflict);
    for text in [
        "aws-asg:eu-west-1/web/nobody",
        "aws-asg:evil.example/web/i-0123456789abcdef0",
        "x:eu-west-1/web/i-01234567",
    ] {
        let error = provider.resolve(&text.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
    }
    let error = provider.group(&"aws-asg:eu-west-1/nobody".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
