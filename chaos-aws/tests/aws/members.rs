//! Special members: those with weights, those that cannot be stopped, and the one that the monkey itself runs on.

use chaos_core::{
    BlastRadius, CapabilitySet, Monkey, Quota,
    plan::{Decision, Percent, Plan, Reason},
    testing::PowerOff,
};
use chaos_events::Reboot;
use serde_json::json;

use crate::cloud::{Cloud, only_group};

async fn plan(
    provider: &chaos_aws::AutoScaling,
    blast_radius: BlastRadius,
    event: impl chaos_core::ChaosEvent,
) -> Plan {
    let monkey =
        Monkey::builder().provider(provider.clone()).event(event).blast_radius(blast_radius).seed(1).build();
    monkey.unwrap().plan().await.unwrap()
}

fn wide() -> BlastRadius {
    BlastRadius::default()
        .targets_per_group(Quota::ALL)
        .targets_per_run(Quota::ALL)
        .max_active(100)
        .min_healthy(0)
}

fn ids(group: &chaos_core::Group) -> Vec<String> {
    group.members.iter().map(|member| member.target.id().name().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_members_have_weights_shares_are_of_capacity() {
    let Some(cloud) = Cloud::with_web(4) else { return };
    let provider = cloud.provider().await;
    let ids = ids(&only_group(&provider).await);
    for (id, weight) in ids.iter().zip(["8", "4", "2", "2"]) {
        cloud.page("POST", "member", Some(json!({ "instance": id, "weighted_capacity": weight })));
    }
    let group = only_group(&cloud.provider().await).await;
    assert_eq!((group.desired, group.healthy(), group.in_service()), (16, 16, 16));
    for seed in 0..20 {
        let monkey = Monkey::builder()
            .provider(cloud.provider().await)
            .event(Reboot::default())
            .blast_radius(wide().min_healthy(Percent(55)))
            .seed(seed)
            .build()
            .unwrap();
        let plan = monkey.plan().await.unwrap();
        // 9 of 16 must stay. So the member that is half of all capacity is never hit, although it is only one of four.
        assert!(plan.chosen().all(|(target, _)| target.name() != ids[0]), "{plan}");
        assert!(plan.chosen().count() > 0, "{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_not_come_back_as_it_was_is_never_stopped() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    let provider = cloud.provider().await;
    let ids = ids(&only_group(&provider).await);
    cloud.page("POST", "member", Some(json!({ "instance": ids[0], "spot": "fulfilled" })));
    cloud.page("POST", "member", Some(json!({ "instance": ids[1], "root_device": "instance-store" })));
    let provider = cloud.provider().await;
    let stopping = plan(&provider, wide(), PowerOff::default()).await;
    let chosen: Vec<&str> = stopping.chosen().map(|(target, _)| target.name()).collect();
    assert_eq!(chosen, [ids[2].as_str()], "{stopping}");
    for target in &stopping.groups[0].targets {
        match &target.decision {
            Decision::NotChosen { reason: Reason::LacksCapability { missing, .. }, .. } => {
                assert_eq!(*missing, CapabilitySet::of([chaos_core::Capability::Stop]));
            }
            decision => assert!(target.id.name() == ids[2], "{decision:?}"),
        }
    }
    assert_eq!(plan(&provider, wide(), Reboot::default()).await.chosen().count(), 3, "they keep their host");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_instance_that_the_monkey_runs_on_is_no_target_unless_asked_for() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    let own = ids(&only_group(&cloud.provider().await).await).remove(0);
    let careful = cloud.builder().own_instance(own.as_str()).build().await.unwrap();
    let spared = plan(&careful, wide(), Reboot::default()).await;
    assert!(spared.chosen().all(|(target, _)| target.name() != own), "{spared}");
    let group = only_group(&careful).await;
    let member = group.members.iter().find(|member| member.target.id().name() == own).unwrap();
    assert!(member.excluded.as_deref().unwrap().starts_with("this program runs on it"), "{member:?}");
    assert_eq!((group.healthy(), group.desired), (2, 2), "it is in service all the same");

    let asked = cloud.builder().include_own_instance().own_instance(own).build().await.unwrap();
    assert_eq!(plan(&asked, wide(), Reboot::default()).await.chosen().count(), 2);
}
