//! The contracts of providers, targets and events.

use std::time::Duration;

use chaos_core::{Group, Health, Provider};
use chaos_events::{AwaitReplacement, Reboot, StartAgain, Stop, Terminate};
use chaos_testkit::{Subject, Timing, contract};
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet, SecurityGroups};

use crate::cloud::{list, scale_sets, sets};

fn timing() -> Timing {
    Timing::default().settle(Duration::from_secs(20)).quiet(Duration::from_millis(300))
}

/// A healthy member of the group with this name, which each check may destroy.
async fn member(provider: impl Provider, name: &str) -> chaos_core::Result<Subject> {
    let groups = list(&provider).await?;
    let is_wanted = |group: &&Group| group.id.path().ends_with(&format!("/{name}"));
    let group = groups.iter().find(is_wanted).expect("the group is there");
    let mut members = group.members.iter();
    let healthy = members.find(|member| member.health == Health::Healthy).expect("a member is healthy");
    let id = healthy.target.id().clone();
    Ok(Subject::new(provider, id))
}

fn world() -> FakeArm {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("Shop", "Web").machines(4).tag("team", "shop"));
    fake.add(NewAvailabilitySet::new("shop", "empty-nics").machines(3).security_groups(SecurityGroups::None));
    fake.add(NewScaleSet::new("shop", "api").capacity(40));
    fake.add(NewScaleSet::new("Shop", "Flex").capacity(40).flexible());
    fake.add(NewScaleSet::new("shop", "held").capacity(4).held_at(4));
    fake
}

#[tokio::test(flavor = "multi_thread")]
async fn availability_sets_keep_the_contract_of_providers() {
    let fake = world();
    contract::provider::check(&timing(), async || sets(&fake).build()).await.assert_kept();
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_sets_keep_the_contract_of_providers() {
    let fake = world();
    contract::provider::check(&timing(), async || scale_sets(&fake).build()).await.assert_kept();
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_keep_the_contract_of_targets() {
    let fake = world();
    for name in ["web", "empty-nics"] {
        let fresh = async || member(sets(&fake).build()?, name).await;
        contract::target::check(&timing(), fresh).await.assert_kept();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_keep_the_contract_of_targets() {
    let fake = world();
    for name in ["api", "flex", "held"] {
        let fresh = async || member(scale_sets(&fake).build()?, name).await;
        contract::target::check(&timing(), fresh).await.assert_kept();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_a_lifecycle_keep_their_contracts() {
    let fake = world();
    let timing = timing();
    let fresh = async || member(sets(&fake).build()?, "web").await;
    let stop = || Stop::lasting(Duration::from_secs(3)).unwrap();
    contract::event::check(&timing, stop(), chaos_events::registry(), fresh).await.assert_kept();
    contract::event::check(&timing, Reboot::default(), chaos_events::registry(), fresh).await.assert_kept();
    let long = Stop::lasting(Duration::from_secs(60)).unwrap();
    contract::recovery::check::<StartAgain>(&timing, long, fresh).await.assert_kept();
    let fresh = async || member(scale_sets(&fake).build()?, "api").await;
    contract::event::check(&timing, stop(), chaos_events::registry(), fresh).await.assert_kept();
    let fresh = async || member(scale_sets(&fake).build()?, "held").await;
    let terminate = Terminate::default();
    contract::event::check(&timing, terminate, chaos_events::registry(), fresh).await.assert_kept();
    contract::recovery::check::<AwaitReplacement>(&timing, terminate, fresh).await.assert_kept();
}
