//! The policies of `docs/aws-iam.json` allow the operations of the library under each of them, and nothing else.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use chaos_aws::AutoScaling;
use chaos_core::{
    ChaosEvent, ErrorKind, MemoryJournal, Outcome, Provider, RunReport,
    capability::Script,
    clock::{Clock, SystemClock},
    fault::BoxFuture,
};
use chaos_events::{CpuBurn, Reboot, Stop, Terminate};
use serde_json::{Value, json};

use crate::{
    cloud::{Cloud, list, monkey, only_group, policies},
    isolation::cut_off,
};

/// An operation of the library, with a name for reports of its failure.
type Operation = (&'static str, for<'a> fn(&'a Cloud) -> BoxFuture<'a, ()>);

/// The operations that `discover` allows.
const DISCOVERING: &[Operation] = &[
    ("listing groups, with a spot instance among their members", |cloud| Box::pin(listing(cloud))),
    ("looking at one member", |cloud| Box::pin(looking(cloud))),
];

/// The operations that `terminate` adds.
const TERMINATING: &[Operation] =
    &[("terminating", |cloud| Box::pin(injecting(cloud, Terminate::default())))];

/// The operations that `lifecycle` adds.
const STOPPING_AND_REBOOTING: &[Operation] = &[
    ("stopping and starting", |cloud| {
        Box::pin(injecting(cloud, Stop::lasting(Duration::from_secs(4)).unwrap()))
    }),
    ("rebooting", |cloud| Box::pin(injecting(cloud, Reboot::default()))),
];

/// The operations that `scripts` adds.
const RUNNING_SCRIPTS: &[Operation] = &[
    ("running scripts", |cloud| {
        Box::pin(injecting(cloud, CpuBurn::default().lasting(Duration::from_secs(5)).unwrap()))
    }),
    ("cancelling a script that the instance never fetches", |cloud| Box::pin(cancelling(cloud))),
];

/// The operations that `steady-state` allows.
const LOOKING: &[Operation] = &[
    #[cfg(feature = "cloudwatch")]
    ("looking at CloudWatch", |cloud| Box::pin(crate::cloudwatch::everything_is_looked_at(cloud))),
];

/// The operations that `full` adds: all others that call AWS. New operations of the library belong here.
const EVERYTHING_ELSE: &[Operation] = &[
    ("isolating, where somebody opens the group", |cloud| {
        Box::pin(async {
            cut_off(&cloud.provider().await, &cloud.ec2().await, true).await;
        })
    }),
    #[cfg(feature = "fis")]
    ("running an experiment", |cloud| Box::pin(crate::fis::one_is_stopped(cloud))),
    #[cfg(feature = "api")]
    ("single calls", |cloud| Box::pin(crate::api::every_call_is_made(cloud))),
    #[cfg(feature = "notify")]
    ("telling people", |cloud| Box::pin(crate::notify::everybody_is_told(cloud))),
];

/// The services that this build does not use.
const NOT_BUILT: &[&str] = &[
    #[cfg(not(feature = "api"))]
    "cloudwatch:GetMetricStatistics",
    #[cfg(not(feature = "api"))]
    "fis:GetExperiment",
    #[cfg(not(feature = "cloudwatch"))]
    "cloudwatch:",
    #[cfg(not(feature = "fis"))]
    "fis:",
    #[cfg(not(feature = "notify"))]
    "ses:",
    #[cfg(not(feature = "notify"))]
    "sns:",
];

/// The operations of each policy.
fn sweeps() -> [(&'static str, Vec<Operation>); 6] {
    let discover = DISCOVERING.to_vec();
    let terminate = [DISCOVERING, TERMINATING].concat();
    let lifecycle = [&terminate, STOPPING_AND_REBOOTING].concat();
    let scripts = [DISCOVERING, RUNNING_SCRIPTS].concat();
    let full = [&lifecycle, RUNNING_SCRIPTS, LOOKING, EVERYTHING_ELSE].concat();
    [
        ("discover", discover),
        ("terminate", terminate),
        ("lifecycle", lifecycle),
        ("scripts", scripts),
        ("steady-state", LOOKING.to_vec()),
        ("full", full),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_policy_holds_what_is_done_under_it_and_nothing_else() {
    let Some(cloud) = Cloud::start() else { return };
    for (policy, operations) in sweeps() {
        cloud.page("DELETE", "world", None);
        // All missing actions are reported at once, not only the first call that is denied.
        cloud.allow_everything();
        cloud.add(json!([{ "name": "web", "region": "eu-west-1", "size": 4 }]));
        cloud.forget_calls();
        for (name, operation) in operations {
            eprintln!("{policy}: {name}");
            operation(&cloud).await;
        }
        let calls = cloud.page("GET", "calls", None);
        let used = |call: &Value| call["permissions"].as_array().unwrap().clone();
        let used: BTreeSet<String> =
            calls.as_array().unwrap().iter().flat_map(used).map(|action| text(&action)).collect();
        let mut held = actions(&policies()[policy]);
        held.retain(|action| !NOT_BUILT.iter().any(|service| action.starts_with(service)));
        let (lacks, unused): (Vec<_>, Vec<_>) =
            (used.difference(&held).collect(), held.difference(&used).collect());
        assert!(lacks.is_empty(), "{policy} lacks {lacks:?}, which the library does");
        assert!(unused.is_empty(), "{policy} holds {unused:?}, which the library never does");
    }
}

#[test]
fn the_readme_justifies_each_action_and_no_other() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let first_cells = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let justified: BTreeSet<String> =
        first_cells.map(|(cell, _)| cell.to_owned()).filter(|cell| cell.contains(':')).collect();
    assert_eq!(justified, actions(&policies()["full"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn under_discover_a_termination_is_denied_and_changes_nothing() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    cloud.allow("discover");
    let provider = cloud.provider().await;
    let before = only_group(&provider).await;
    let report = run(&provider, Terminate::default()).await;
    assert_eq!(report.outcome(), Outcome::Failed, "{report:?}");
    assert!(report.is_recovered() && report.faults.len() == 1, "{report:?}");
    let failure = report.faults[0].failure.clone().unwrap();
    assert_eq!(failure.kind, ErrorKind::Denied);
    let id = report.faults[0].target.name();
    assert!(failure.message.contains("missing=\"ec2:TerminateInstances\""), "{failure}");
    assert!(failure.message.contains(&format!(":instance/{id}\"")), "{failure}");
    let after = only_group(&provider).await;
    assert_eq!(after.healthy(), 3);
    assert!(before.members.iter().all(|member| after.member(member.target.id()).is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn under_terminate_a_whole_drill_works_and_no_other() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    cloud.allow("terminate");
    let provider = cloud.provider().await;
    let report = run(&provider, Terminate::default()).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
    cloud.forget_calls();
    let report = run(&provider, Stop::default()).await;
    assert_eq!(report.outcome(), Outcome::Skipped, "{report:?}");
    assert!(report.why_nothing().join(" ").contains("missing=\"ec2:StartInstances\""), "{report}");
    assert_eq!(cloud.count("StopInstances"), 0);
}

/// Bypasses the library, which would choose neither: the policy is the last line of defence.
#[tokio::test(flavor = "multi_thread")]
async fn the_full_policy_harms_nobody_outside_groups_and_nobody_who_has_refused() {
    let Some(cloud) = Cloud::with(json!([
        { "name": "web", "region": "eu-west-1", "size": 2 },
        { "name": "refusing", "region": "eu-west-1", "size": 1, "tags": { "chaos:enabled": "False" } },
    ])) else {
        return;
    };
    let setup = cloud.ec2().await;
    let image = setup.run_instances().image_id("ami-0123456789abcdef0").min_count(1).max_count(1);
    let alone = image.send().await.unwrap().instances()[0].instance_id().unwrap().to_owned();
    let groups = list(&cloud.provider().await).await.unwrap();
    let id = |group: usize| groups[group].members[0].target.id().name().to_owned();
    let (refusing, member) = (id(0), id(1));
    let (ec2, ssm) = (aws_sdk_ec2::Client::new(&cloud.config()), aws_sdk_ssm::Client::new(&cloud.config()));
    let send = |instance: &str, document: &str| {
        let call = ssm.send_command().document_name(document).instance_ids(instance);
        call.parameters("commands", vec!["true".to_owned()]).send()
    };
    for instance in [&refusing, &alone] {
        assert!(ec2.terminate_instances().instance_ids(instance).send().await.is_err());
        assert!(ec2.stop_instances().instance_ids(instance).send().await.is_err());
        assert!(ec2.reboot_instances().instance_ids(instance).send().await.is_err());
    }
    assert!(send(&alone, "AWS-RunShellScript").await.is_err());
    assert!(send(&member, "AWS-RunRemoteScript").await.is_err());
    let statuses = cloud.page("GET", "calls", None);
    let denied = |call: &&Value| call["status"] == 403 || call["service"] == "ssm" && call["status"] == 400;
    assert_eq!(statuses.as_array().unwrap().iter().filter(denied).count(), 8, "{statuses}");
    send(&member, "AWS-RunShellScript").await.unwrap();
    ec2.reboot_instances().instance_ids(&member).send().await.unwrap();
    // A stopped instance may be started even outside its group: a group that detaches an instance takes its tag away.
    ec2.start_instances().instance_ids(&alone).send().await.unwrap();
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Every action that a policy allows.
fn actions(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    statements.flat_map(|statement| statement["Action"].as_array().unwrap()).map(text).collect()
}

/// A run that chooses one member.
async fn run(provider: &AutoScaling, event: impl ChaosEvent) -> RunReport {
    let monkey = monkey(provider.clone(), MemoryJournal::new()).event(event).build().unwrap();
    monkey.run_once().await.unwrap()
}

async fn listing(cloud: &Cloud) {
    let provider = cloud.provider().await;
    let spot = only_group(&provider).await.members[0].target.id().name().to_owned();
    cloud.page("POST", "member", Some(json!({ "instance": spot, "spot": "fulfilled" })));
    assert_eq!(only_group(&provider).await.healthy(), 4);
}

async fn looking(cloud: &Cloud) {
    let provider = cloud.provider().await;
    let id = only_group(&provider).await.members[0].target.id().clone();
    let target = provider.resolve(&id).await.unwrap().unwrap();
    assert_eq!(target.health().await.unwrap(), chaos_core::Health::Healthy);
}

async fn injecting(cloud: &Cloud, event: impl ChaosEvent) {
    let provider = cloud.provider().await;
    let id = only_group(&provider).await.members[0].target.id().clone();
    let monkey = monkey(provider, MemoryJournal::new()).build().unwrap();
    let report = monkey.inject(event, &id).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
}

async fn cancelling(cloud: &Cloud) {
    let provider = cloud.builder().clock(Arc::new(Hurried)).build().await.unwrap();
    let target = only_group(&provider).await.members[1].target.clone();
    let shell = target.capabilities().shell.unwrap();
    // The agent is online at the first look, and lost when the command is sent.
    shell.network().await.unwrap();
    cloud.page("POST", "ssm", Some(json!({ "instance": target.id().name(), "ping": "ConnectionLost" })));
    let error = shell.inspect(&Script::new("true")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

/// A clock that has no time to lose.
#[derive(Debug)]
struct Hurried;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Clock for Hurried {
    fn now(&self) -> jiff::Timestamp {
        SystemClock::default().now()
    }

    fn monotonic(&self) -> Duration {
        SystemClock::default().monotonic()
    }

    async fn sleep(&self, _: Duration) {
        SystemClock::default().sleep(Duration::from_millis(1)).await;
    }
}
