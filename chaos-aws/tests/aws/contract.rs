//! The contracts of providers, targets and events, kept.

use std::time::Duration;

use chaos_events::{AwaitReplacement, Reboot, StartAgain, Stop, Terminate};
use chaos_testkit::{Subject, Timing, contract};

use crate::cloud::{Cloud, only_group};

fn timing() -> Timing {
    Timing::default().settle(Duration::from_secs(20)).quiet(Duration::from_millis(300))
}

/// A healthy member of `web`, which each check may ruin.
async fn member(cloud: &Cloud) -> chaos_core::Result<Subject> {
    let provider = cloud.provider().await;
    let group = only_group(&provider).await;
    let healthy = group.members.iter().find(|member| member.health == chaos_core::Health::Healthy).unwrap();
    let id = healthy.target.id().clone();
    Ok(Subject::new(provider, id))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_keeps_its_contract() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    cloud.add(serde_json::json!([
        { "name": "a/b c", "region": "eu-west-1", "size": 2, "tags": { "team": "shop" } },
        { "name": "far", "region": "us-east-1", "size": 1 },
    ]));
    let fresh = async || cloud.builder().regions(["eu-west-1", "us-east-1"]).build().await;
    contract::provider::check(&timing(), fresh).await.assert_kept();
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_keep_the_contract_of_targets() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    contract::target::check(&timing(), async || member(&cloud).await).await.assert_kept();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_a_lifecycle_keep_their_contracts() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    let fresh = async || member(&cloud).await;
    let timing = timing();
    let stop = Stop::lasting(Duration::from_millis(500)).unwrap();
    contract::event::check(&timing, stop, chaos_events::registry(), fresh).await.assert_kept();
    contract::event::check(&timing, Terminate::default(), chaos_events::registry(), fresh)
        .await
        .assert_kept();
    contract::event::check(&timing, Reboot::default(), chaos_events::registry(), fresh).await.assert_kept();
    let stop = Stop::lasting(Duration::from_secs(60)).unwrap();
    contract::recovery::check::<StartAgain>(&timing, stop, fresh).await.assert_kept();
    contract::recovery::check::<AwaitReplacement>(&timing, Terminate::default(), fresh).await.assert_kept();
}
