//! Notifications that SNS and SES accept, and the outcome of a run if they do not.

use std::{sync::Arc, time::Duration};

use chaos_aws::{AutoScaling, SesNotifier, SnsNotifier, SnsNotifierBuilder};
use chaos_core::{
    Journal, MemoryJournal, Monkey, MonkeyBuilder, Outcome, Provider, TargetId,
    fault::FaultState,
    testing::{MemoryProvider, PowerOff},
};
use chaos_events::{Stop, Terminate};
use serde_json::{Value, json};

use crate::cloud::{Cloud, only_group};

const LIMIT: Duration = Duration::from_secs(30);

/// A topic of eu-west-1.
fn topic(cloud: &Cloud, name: &str) -> String {
    let made = cloud.page("POST", "notifications", Some(json!({ "region": "eu-west-1", "topic": name })));
    made["topic"].as_str().unwrap().to_owned()
}

fn sns(cloud: &Cloud, topic: &str) -> SnsNotifierBuilder {
    SnsNotifier::to(topic).sdk_config(cloud.config())
}

async fn monkey(cloud: &Cloud, journal: &MemoryJournal) -> (AutoScaling, MonkeyBuilder) {
    let provider = cloud.provider().await;
    let monkey = Monkey::builder().provider(provider.clone());
    (provider, monkey.unleash(journal.clone(), chaos_events::registry()))
}

async fn first_target(provider: &AutoScaling) -> TargetId {
    only_group(provider).await.members[0].target.id().clone()
}

fn published(cloud: &Cloud) -> Vec<Value> {
    cloud.page("GET", "notifications", None)["published"].as_array().unwrap().clone()
}

fn kinds(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["attributes"]["kind"].as_str().unwrap()).collect()
}

#[track_caller]
fn assert_says(message: &Value, words: &[&str]) {
    for words in words {
        assert!(message["body"].as_str().unwrap().contains(words), "{words:?} is missing: {message:#}");
    }
}

/// All calls of the library to the services.
pub(crate) async fn everybody_is_told(cloud: &Cloud) {
    let topic = topic(cloud, "chaos");
    let sender = json!({ "region": "eu-west-1", "sender": "chaos@example.com" });
    cloud.page("POST", "notifications", Some(sender));
    let sns = sns(cloud, &topic).required().build().await.unwrap();
    let ses = SesNotifier::from("chaos@example.com").to("a@example.com");
    let ses = ses.sdk_config(cloud.config()).required().build().await.unwrap();
    let (provider, monkey) = monkey(cloud, &MemoryJournal::new()).await;
    let target = first_target(&provider).await;
    let monkey = monkey.observer(sns.clone()).observer(ses.clone()).build().unwrap();
    let report = monkey.inject(Terminate::default(), &target).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert!(sns.flush(LIMIT).await.is_complete() && ses.flush(LIMIT).await.is_complete());
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_and_recipients_learn_what_is_hit_and_how_long_it_took() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    let topic = topic(&cloud, "chaos");
    cloud.page(
        "POST",
        "notifications",
        Some(json!({ "region": "eu-west-1", "sender": "chaos@example.com" })),
    );
    let sns = sns(&cloud, &topic).required().build().await.unwrap();
    let ses = SesNotifier::from("Chaos <chaos@example.com>").to("a@example.com").to("b@example.com");
    let ses = Arc::new(ses.sdk_config(cloud.config()).build().await.unwrap());
    let journal = MemoryJournal::new();
    let (_, monkey) = monkey(&cloud, &journal).await;
    let monkey = monkey
        .event(Terminate::default())
        .seed(42)
        .observer(sns.clone())
        .observer(ses.clone())
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    for sent in [sns.flush(LIMIT).await, ses.flush(LIMIT).await] {
        assert_eq!((sent.delivered, sent.is_complete()), (2, true), "{sent}");
    }

    let (fault, target) = (report.faults[0].id.to_string(), report.faults[0].target.to_string());
    let published = published(&cloud);
    assert_eq!(kinds(&published), ["announced", "recovered"]);
    assert_eq!(published[0]["subject"], format!("Chaos: {target}: terminate begins"));
    let (target_line, fault_line) = (format!("Target: {target}\n"), format!("Fault: {fault}\n"));
    assert_says(
        &published[0],
        &[
            &format!("terminate is about to be injected into {target}.\n"),
            &target_line,
            &fault_line,
            "Group: aws-asg:123456789012/eu-west-1/web, with 3 healthy members of 3 before\n",
            "Why: drawn; the seed of the run is 42\n",
            "HOW TO UNDO IT BY HAND\nNothing brings",
            "aws autoscaling describe-scaling-activities --region eu-west-1 --auto-scaling-group-name 'web'\n",
        ],
    );
    // The subject is too long, so the start of the target is left out.
    let (subject, instance) = (published[1]["subject"].as_str().unwrap(), target.rsplit_once('/').unwrap().1);
    let over = format!("/web/{instance}: terminate is over, recovered after ");
    assert!(subject.starts_with("Chaos: ...") && subject.contains(&over), "{subject}");
    assert_says(
        &published[1],
        &["was healthy again ", &target_line, &fault_line, "Recovery: took ", "Healthy: ", "Verified: "],
    );

    let mailed = cloud.page("GET", "notifications", None)["mailed"].clone();
    let mailed = mailed.as_array().unwrap();
    assert_eq!(mailed.len(), 2);
    for (mail, message) in mailed.iter().zip(&published) {
        assert_eq!(mail["sender"], "Chaos <chaos@example.com>");
        assert_eq!(mail["recipients"]["ToAddresses"], json!(["a@example.com", "b@example.com"]));
        assert_eq!((&mail["subject"], &mail["body"]), (&message["subject"], &message["body"]));
    }
    // The announcement comes before anything is done.
    let calls = cloud.calls();
    let position = |action: &str| calls.iter().position(|call| call == action).unwrap();
    assert!(position("Publish") < position("TerminateInstances"), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_topic_a_required_notifier_stops_the_injection_and_another_stops_nothing() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    let nowhere = "arn:aws:sns:eu-west-1:123456789012:nowhere";
    let journal = MemoryJournal::new();
    let (provider, stopped) = monkey(&cloud, &journal).await;
    let required = sns(&cloud, nowhere).required().build().await.unwrap();
    let stopped = stopped.event(Terminate::default()).observer(required.clone()).build().unwrap();
    let report = stopped.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    let why = report.why_nothing().join("; ");
    for words in ["not announced", "does not exist", "sns:Publish", nowhere] {
        assert!(why.contains(words), "{words:?} is missing: {why}");
    }
    assert_eq!(cloud.count("TerminateInstances"), 0);
    assert_eq!(journal.find(&chaos_core::journal::FaultQuery::all()).await.unwrap().faults, []);
    assert_eq!(only_group(&provider).await.healthy(), 3);
    let target = first_target(&provider).await;
    let report = stopped.inject(Terminate::default(), &target).await.unwrap();
    assert_eq!((report.outcome(), cloud.count("TerminateInstances")), (Outcome::Skipped, 0), "{report}");
    // Its start was not announced, so its failure is not reported either.
    assert_eq!(required.flush(LIMIT).await.failed, 2);

    let (_, goes_on) = monkey(&cloud, &journal).await;
    let optional = sns(&cloud, nowhere).build().await.unwrap();
    let goes_on = goes_on.event(Terminate::default()).observer(optional.clone()).build().unwrap();
    let report = goes_on.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(cloud.count("TerminateInstances"), 1);
    let sent = optional.flush(LIMIT).await;
    assert_eq!((sent.failed, sent.delivered, sent.waiting), (2, 0, 0), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_is_not_verified_stops_what_it_must_announce() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    let ses = SesNotifier::from("stranger@example.com").to("a@example.com").required();
    let ses = ses.sdk_config(cloud.config()).build().await.unwrap();
    let (_, monkey) = monkey(&cloud, &MemoryJournal::new()).await;
    let monkey = monkey.event(Terminate::default()).observer(ses).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!((report.outcome(), cloud.count("TerminateInstances")), (Outcome::Skipped, 0), "{report}");
    let why = report.why_nothing().join("; ");
    for words in ["not announced", "ses:SendEmail", "MessageRejected", "stranger@example.com"] {
        assert!(why.contains(words), "{words:?} is missing: {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_announced_and_then_refused_is_told_to_be_left_alone() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    let (first, second) = (topic(&cloud, "first"), "arn:aws:sns:eu-west-1:123456789012:second");
    let told = sns(&cloud, &first).build().await.unwrap();
    let refusing = sns(&cloud, second).required().build().await.unwrap();
    let (_, monkey) = monkey(&cloud, &MemoryJournal::new()).await;
    let monkey =
        monkey.event(Terminate::default()).observer(told.clone()).observer(refusing).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    assert!(told.flush(LIMIT).await.is_complete());
    let published = published(&cloud);
    assert_eq!(kinds(&published), ["announced", "left-alone"]);
    assert_says(&published[1], &["nothing was injected", "Why not: in doubt: not announced"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_hangs_or_is_gone_delays_no_recovery() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    let topic = topic(&cloud, "chaos");
    let gone = sns(&cloud, &topic).endpoint("http://127.0.0.1:9").build().await.unwrap();
    let hanging = sns(&cloud, &topic).required().build().await.unwrap();
    let (provider, monkey) = monkey(&cloud, &MemoryJournal::new()).await;
    let monkey = monkey.observer(hanging.clone()).observer(gone.clone()).build().unwrap();
    // All messages but the announcement hang for longer than the whole test.
    cloud
        .break_calls(json!({ "do": "delay", "service": "sns", "nth": 2, "count": 0, "milliseconds": 8_000 }));
    let target = first_target(&provider).await;
    let stop = Stop::lasting(Duration::from_secs(3)).unwrap();
    let report = monkey.inject(stop, &target).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    let now = hanging.deliveries();
    assert_eq!((now.delivered, now.waiting), (1, 1), "the run is over, and its end still on its way: {now}");
    // It arrives in the end.
    let sent = hanging.flush(LIMIT).await;
    assert_eq!((sent.delivered, sent.is_complete()), (2, true), "{sent}");
    assert_eq!(kinds(&published(&cloud)), ["announced", "recovered"]);
    assert_eq!(gone.flush(LIMIT).await.failed, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_passing_is_sent_again() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    let topic = topic(&cloud, "chaos.fifo");
    cloud.break_calls(json!([
        { "do": "throttle", "service": "sns", "count": 1 },
        { "do": "http_500", "service": "sns", "nth": 3, "count": 1 },
    ]));
    let sns = sns(&cloud, &topic).required().build().await.unwrap();
    let (_, monkey) = monkey(&cloud, &MemoryJournal::new()).await;
    let monkey = monkey.event(Terminate::default()).observer(sns.clone()).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert!(sns.flush(LIMIT).await.is_complete());
    let published = published(&cloud);
    assert_eq!(kinds(&published), ["announced", "recovered"]);
    let fault = report.faults[0].id.to_string();
    assert!(published.iter().all(|message| message["group"] == fault), "{published:#?}");
    assert_eq!(cloud.count("Publish"), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_told_that_a_recovery_failed_can_do_what_the_message_says() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    let topic = topic(&cloud, "chaos");
    let sns = sns(&cloud, &topic).build().await.unwrap();
    let journal = MemoryJournal::new();
    let (provider, monkey) = monkey(&cloud, &journal).await;
    let monkey = monkey.observer(sns.clone()).recovery_budget(Duration::from_secs(3)).build().unwrap();
    cloud.break_calls(json!({ "do": "access_denied", "action": "StartInstances", "count": 0 }));
    let target = first_target(&provider).await;
    let stop = Stop::lasting(Duration::from_secs(3)).unwrap();
    let report = monkey.inject(stop, &target).await.unwrap();
    assert_eq!(report.faults[0].state, FaultState::RecoveryFailed, "{report}");
    assert!(sns.flush(LIMIT).await.is_complete());
    let published = published(&cloud);
    assert_eq!(kinds(&published), ["announced", "recovery-refused", "recovery-failed"]);
    assert_says(&published[1], &["has been refused so far. It is retried until ", "ec2:StartInstances"]);
    let message = &published[2];
    assert_eq!(message["subject"], format!("CHAOS RECOVERY FAILED: {target} IS NOT BACK"));
    assert_says(message, &["ec2:StartInstances", &format!("Start {target} again, unless it runs:")]);

    // As a person would, with the command in the message.
    cloud.page("DELETE", "faults", None);
    let body = message["body"].as_str().unwrap();
    let command = body.lines().find_map(|line| line.strip_prefix("    aws ec2 start-instances --region "));
    let (region, instance) = command.unwrap().split_once(" --instance-ids ").unwrap();
    assert_eq!(region, "eu-west-1");
    cloud.ec2().await.start_instances().instance_ids(instance).send().await.unwrap();
    let health = provider.resolve(&target).await.unwrap().unwrap().health().await.unwrap();
    assert_eq!(health, chaos_core::Health::Healthy);
    let mended = monkey.recover_pending().await.unwrap().faults;
    assert_eq!(mended[0].state, FaultState::Recovered);
    assert_eq!(journal.pending().await.unwrap().faults, []);
    assert!(sns.flush(LIMIT).await.is_complete());
    let last = crate::notify::published(&cloud).pop().unwrap();
    assert_eq!(last["attributes"]["kind"], "recovered");
    assert_says(&last, &["Why: left behind by an earlier run"]);
}

/// Each group has a reason of its own, and all reasons together are longer than SNS accepts.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_over_more_groups_than_a_message_holds_is_told_with_how_many_are_left_out() {
    const GROUPS: usize = 1_500;
    let Some(cloud) = Cloud::with_web(1) else { return };
    let topic = topic(&cloud, "chaos");
    let sender = json!({ "region": "eu-west-1", "sender": "chaos@example.com" });
    cloud.page("POST", "notifications", Some(sender));
    let sns = sns(&cloud, &topic).idle_runs().build().await.unwrap();
    let ses = SesNotifier::from("chaos@example.com").to("a@example.com").idle_runs();
    let ses = ses.sdk_config(cloud.config()).build().await.unwrap();
    // The only member of a group is not spared.
    let world = (0..GROUPS).fold(MemoryProvider::default(), |world, number| {
        world.with_group(&format!("{number}-{}", "g".repeat(150)), 1).unwrap()
    });
    let monkey = Monkey::builder().provider(world).event(PowerOff::default());
    let monkey = monkey.observer(sns.clone()).observer(ses.clone()).build().unwrap();
    let why = monkey.run_once().await.unwrap().why_nothing();
    assert!(why.len() == GROUPS && why.join("\n").len() > 256 * 1024, "{} of {}", why.len(), GROUPS);
    for sent in [sns.flush(LIMIT).await, ses.flush(LIMIT).await] {
        assert_eq!((sent.delivered, sent.is_complete()), (1, true), "{sent}");
    }
    let published = published(&cloud);
    let told = published[0]["body"].as_str().unwrap().matches("\nWhy: ").count();
    let left_out = format!("{} more are left out here: the report of the run has them all", GROUPS - told);
    assert_says(&published[0], &["A run injected nothing.", &left_out]);
    assert_eq!(cloud.page("GET", "notifications", None)["mailed"][0]["body"], published[0]["body"]);
}
