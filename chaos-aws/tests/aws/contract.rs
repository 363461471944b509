//! The contracts of providers, targets and events, kept.

use std::time::Duration;

use chaos_events::{AwaitReplacement, Reboot, StartAgain, Stop, Terminate};
use chaos_testkit::{Subject, Timing, contract};
use serde_json::json;

use crate::cloud::{Cloud, member};

fn timing() -> Timing {
    Timing::default().settle(Duration::from_secs(20)).quiet(Duration::from_millis(300))
}

/// A healthy member of a group, which each check may ruin.
async fn subject(cloud: &Cloud, group: &str) -> chaos_core::Result<Subject> {
    let provider = cloud.provider().await;
    Ok(Subject::new(provider, member(cloud, group).await))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_keeps_its_contract() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    cloud.add(json!([
        { "name": "a/b c", "region": "eu-west-1", "size": 2, "tags": { "team": "shop" } },
        { "name": "far", "region": "us-east-1", "size": 1 },
    ]));
    let fresh = async || {
        cloud.builder().regions(["eu-west-1", "us-east-1"]).build().await
    };
    contract::provider::check(&timing(), fresh).await.assert_kept();
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_keep_the_contract_of_targets() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    contract::target::check(&timing(), async || subject(&cloud, "web").await).await.assert_kept();
}

/// Each in groups of its own, all of them side by side.
#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_a_lifecycle_keep_their_contracts() {
    let Some(cloud) = Cloud::start() else { return };
    let groups = ["stop", "terminate", "reboot", "start-again", "await-replacement"];
    let groups = groups.map(|name| json!({ "name": name, "region": "eu-west-1", "size": 3 }));
    cloud.add(groups.to_vec().into());
    let (timing, registry) = (&timing(), chaos_events::registry);
    let cloud = &cloud;
    let fresh = |group| async move || subject(cloud, group).await;
    let (brief, long) = (Duration::from_secs(8), Duration::from_secs(60));
    let (brief, long) = (Stop::lasting(brief).unwrap(), Stop::lasting(long).unwrap());
    let (stop, terminate, reboot, start_again, await_replacement) = tokio::join!(
        Box::pin(contract::event::check(timing, brief, registry(), fresh("stop"))),
        Box::pin(contract::event::check(timing, Terminate::default(), registry(), fresh("terminate"))),
        Box::pin(contract::event::check(timing, Reboot::default(), registry(), fresh("reboot"))),
        Box::pin(contract::recovery::check::<StartAgain>(timing, long, fresh("start-again"))),
        Box::pin(contract::recovery::check::<AwaitReplacement>(
            timing,
            Terminate::default(),
            fresh("await-replacement")
        )),
    );
    for report in [stop, terminate, reboot, start_again, await_replacement] {
        report.assert_kept();
    }
}
