//! Scripts through Run Command.

use std::time::Duration;

use chaos_core::{
    ErrorKind, MemoryJournal, Monkey,
    capability::{NetworkShare, Script, Shell},
};
use chaos_events::CpuBurn;
use serde_json::json;

use crate::cloud::{Cloud, only_group};

async fn shell(cloud: &Cloud) -> (String, std::sync::Arc<dyn Shell>) {
    let target = only_group(&cloud.provider().await).await.members[0].target.clone();
    (target.id().name().to_owned(), target.capabilities().shell.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_runs_and_its_output_and_status_come_back() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let (_, shell) = shell(&cloud).await;
    let script = Script::new("printf '%s' \"$word\"; echo \"$0 $LC_ALL\" >&2; exit 194");
    let script = script.parameter("word", "it's {{ssm:a}} $(b) \n").unwrap();
    let output = shell.inspect(&script).await.unwrap();
    assert_eq!(output.stdout, "it's {{ssm:a}} $(b) \n");
    assert_eq!((output.status, output.stderr.as_str()), (194, "chaos-script C\n"));
    assert_eq!(shell.network().await.unwrap(), NetworkShare::Whole);
    assert_eq!(cloud.count("DescribeInstanceInformation"), 1, "whether the agent is there is asked once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_no_script_reaches_says_why() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    for (ping, kind, word) in [
        (json!("ConnectionLost"), ErrorKind::Unavailable, "ConnectionLost"),
        (json!(null), ErrorKind::Unsupported, "AmazonSSMManagedInstanceCore"),
    ] {
        let (instance, shell) = shell(&cloud).await;
        cloud.page("POST", "ssm", Some(json!({ "instance": instance, "ping": ping })));
        let error = shell.inspect(&Script::new("true")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(word) && error.to_string().contains(&instance), "{error}");
    }
    assert_eq!(cloud.count("SendCommand"), 0);
    let without = cloud.builder().without_shell().build().await.unwrap();
    assert!(only_group(&without).await.members[0].target.capabilities().shell.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_printed_too_much_is_an_error() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let (_, shell) = shell(&cloud).await;
    let script = Script::new("head -c 30000 /dev/zero | tr '\\0' x");
    let error = shell.inspect(&script).await.unwrap_err();
    assert!(error.to_string().contains("printed too much"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_an_instance_is_not_sent_twice_where_the_answer_is_lost() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let provider = cloud.provider().await;
    let target = only_group(&provider).await.members[0].target.id().clone();
    // The first is the preflight.
    cloud.break_calls(json!({ "do": "cut_after", "action": "SendCommand", "nth": 2 }));
    let monkey = Monkey::builder()
        .provider(provider)
        .blast_radius(chaos_core::BlastRadius::default().min_healthy(0))
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()
        .unwrap();
    let burn = CpuBurn::default().lasting(Duration::from_secs(20)).unwrap();
    let report = monkey.inject(burn, &target).await.unwrap();
    assert!(report.is_recovered() && report.faults.len() == 1, "{report:?}");
    assert!(report.faults[0].failure.is_some(), "the answer was lost");
    let calls = cloud.page("GET", "calls?parameters", None).to_string();
    let starts = calls.matches("action='start'").count();
    assert_eq!(starts, 1, "{calls}");
}
