//! The contracts of providers, targets and events.

use std::{sync::Arc, time::Duration};

use chaos_core::{Provider, Result, TargetId, async_trait};
use chaos_events::{AwaitReplacement, Reboot, StartAgain, Stop, Terminate};
use chaos_testkit::{
    Subject, Timing,
    contract::{
        self,
        adversity::{self, Adversity, Cut, Happens},
    },
};
use serde_json::{Value, json};

use crate::cloud::{Cloud, member};

fn timing() -> Timing {
    Timing::default().settle(Duration::from_secs(20)).quiet(Duration::from_millis(300))
}

/// A healthy member of a group, which each check may destroy.
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
    let fresh = async || cloud.builder().regions(["eu-west-1", "us-east-1"]).build().await;
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

/// The stand-in, which makes trouble on request.
struct Troubled<'a> {
    cloud: &'a Cloud,
    target: TargetId,
}

impl<'a> Troubled<'a> {
    /// As if the stand-in had just been started.
    async fn fresh(cloud: &'a Cloud) -> Result<Self> {
        cloud.page("DELETE", "world", None);
        cloud.allow("full");
        cloud.add(json!([{ "name": "web", "region": "eu-west-1", "size": 2 }]));
        // A wait for a health check would be long.
        cloud.page("POST", "healing", Some(json!({ "milliseconds": null })));
        Ok(Self { cloud, target: member(cloud, "web").await })
    }

    fn trouble(&self, fault: Value) -> Result<Happens> {
        self.cloud.break_calls(fault);
        Ok(Happens::Now)
    }
}

#[async_trait]
impl Adversity for Troubled<'_> {
    async fn provider(&self) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(self.cloud.asking_once().await))
    }

    fn target(&self) -> &TargetId {
        &self.target
    }

    async fn asked(&self) -> Result<Option<usize>> {
        Ok(Some(self.cloud.calls().len()))
    }

    fn refusals(&self) -> Vec<&'static str> {
        vec!["access_denied", "expired_token", "web_page"]
    }

    async fn refuse(&self, way: &str) -> Result<Happens> {
        let status = (way == "web_page").then_some(407);
        self.trouble(match status {
            Some(status) => json!({ "do": way, "status": status, "count": 0 }),
            None => json!({ "do": way, "count": 0 }),
        })
    }

    async fn cut(&self, cut: Cut) -> Result<Happens> {
        let (nth, left) = (cut.after + 1, cut.twentieths);
        self.trouble(json!({ "do": "cut_short", "nth": nth, "count": 0, "twentieths": left }))
    }

    async fn list_twice(&self) -> Result<Happens> {
        self.trouble(json!({ "do": "twice", "action": "DescribeAutoScalingGroups", "count": 0 }))
    }

    async fn never_end(&self) -> Result<Happens> {
        self.trouble(json!({ "do": "endless", "action": "DescribeAutoScalingGroups", "count": 0 }))
    }

    async fn replace_target(&self) -> Result<Happens> {
        Ok(Happens::never("EC2 never uses the id of an instance again"))
    }

    async fn heal(&self) -> Result<()> {
        self.cloud.page("DELETE", "faults", None);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_keeps_its_contract_in_adversity() {
    let Some(cloud) = Cloud::start() else { return };
    let timing = timing();
    let report = adversity::check(&timing, async || Troubled::fresh(&cloud).await).await;
    report.assert_kept();
}
