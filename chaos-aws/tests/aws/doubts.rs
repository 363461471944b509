//! A group or member in doubt is left alone: no call that changes anything is made.

use chaos_core::{ErrorKind, MemoryJournal, Outcome, RunReport, provider::GroupFilter};
use chaos_events::Terminate;
use serde_json::json;

use crate::cloud::{Cloud, monkey};

/// A run that would terminate a member of the groups that pass.
async fn run(cloud: &Cloud, regions: &[&str], filter: GroupFilter) -> RunReport {
    let provider = cloud.builder().regions(regions.iter().copied()).build().await.unwrap();
    let monkey = monkey(provider, MemoryJournal::new()).event(Terminate::default()).groups(filter);
    monkey.build().unwrap().run_once().await.unwrap()
}

fn changes(cloud: &Cloud) -> Vec<String> {
    let mut calls = cloud.calls();
    calls.retain(|call| !call.starts_with("Describe"));
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_injected_where_a_listing_fails() {
    let Some(cloud) = Cloud::start() else { return };
    cloud.add(json!([
        { "name": "web", "region": "eu-west-1", "count": 101, "size": 1 },
        { "name": "far", "region": "us-east-1", "size": 1 },
    ]));
    let both = ["eu-west-1", "us-east-1"];
    let groups = |how: &str| json!({ "do": how, "action": "DescribeAutoScalingGroups", "count": 0 });
    let of_page_2 =
        |how: &str| json!({ "do": how, "action": "DescribeAutoScalingGroups", "page": 2, "count": 0 });
    let instances =
        |how: &str| json!({ "do": how, "action": "DescribeInstances", "region": "us-east-1", "count": 0 });
    let disabled = json!({ "do": "error", "region": "us-east-1", "code": "OptInRequired", "status": 401, "count": 0,
        "message": "You are not subscribed to this service." });
    for (trouble, kind) in [
        (groups("throttle"), ErrorKind::Throttled),
        (of_page_2("http_500"), ErrorKind::Unavailable),
        (of_page_2("cut_before"), ErrorKind::Unavailable),
        (of_page_2("cut_after"), ErrorKind::Unavailable),
        (instances("http_500"), ErrorKind::Unavailable),
        (instances("expired_token"), ErrorKind::Denied),
        (groups("access_denied"), ErrorKind::Denied),
        (disabled, ErrorKind::Denied),
    ] {
        cloud.forget_calls();
        cloud.break_calls(trouble.clone());
        let report = run(&cloud, &both, GroupFilter::all()).await;
        assert_eq!(report.outcome(), Outcome::Skipped, "{trouble}: {report}");
        assert_eq!(report.plan.chosen().count(), 0, "{trouble}: {report}");
        assert_eq!(report.plan.doubts[0].failure.kind, kind, "{trouble}: {report}");
        assert_eq!(changes(&cloud), [""; 0], "{trouble}");
        cloud.page("DELETE", "faults", None);
    }
    // Temporary failures are retried here too.
    cloud.break_calls(json!([
        { "do": "throttle", "action": "Describe*", "count": 2 },
        { "do": "http_500", "action": "TerminateInstances" },
    ]));
    let report = run(&cloud, &both, GroupFilter::all()).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_injected_where_the_group_is_not() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    let doubt =
        |report: &RunReport| report.plan.doubts.iter().map(|doubt| doubt.about.clone()).collect::<Vec<_>>();
    for (region, name) in [
        // In no region, in another region, and in one that is not listed.
        ("eu-west-1", "aws-asg:123456789012/eu-west-1/nobody"),
        ("us-east-1", "aws-asg:123456789012/us-east-1/web"),
        ("us-east-1", "aws-asg:123456789012/eu-west-1/web"),
    ] {
        let report = run(&cloud, &[region], GroupFilter::all().name(name)).await;
        assert_eq!(report.outcome(), Outcome::Skipped, "{report:?}");
        assert_eq!(doubt(&report), [name], "{report:?}");
        assert!(report.why_nothing().iter().any(|why| why.contains(name)), "{report:?}");
    }
    // A region that AWS does not have.
    let report = run(&cloud, &["eu-west-9"], GroupFilter::all()).await;
    assert_eq!(report.outcome(), Outcome::Skipped, "{report:?}");
    let failure = &report.plan.doubts[0].failure;
    assert!(failure.message.contains("eu-west-9"), "{report:?}");
    assert_eq!(changes(&cloud), [""; 0]);
    let report =
        run(&cloud, &["eu-west-1"], GroupFilter::all().name("aws-asg:123456789012/eu-west-1/web")).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_opted_out_is_not_chosen_and_the_plan_says_why() {
    let Some(cloud) = Cloud::with(json!([
        { "name": "refused", "region": "eu-west-1", "size": 2, "tags": { "chaos:enabled": "false" } },
        { "name": "protected", "region": "eu-west-1", "size": 1, "protected": true },
    ])) else {
        return;
    };
    let report = run(&cloud, &["eu-west-1"], GroupFilter::all()).await;
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    let why = report.why_nothing().join("\n");
    assert!(
        why.contains("2 x ") && why.contains("opted out: the tag chaos:enabled of the group is false"),
        "{why}"
    );
    assert!(why.contains("protected from scale-in"), "{why}");
    assert_eq!(changes(&cloud), [""; 0]);
}
