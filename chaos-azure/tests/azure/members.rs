//! Special machines: deallocated ones, those without a disk of their own, and the one that the monkey itself runs on.

use std::time::Duration;

use chaos_azure::{RebootMode, StopMode};
use chaos_core::{
    BlastRadius, ChaosEvent, Monkey, Provider, Quota,
    clock::{Clock, SystemClock},
    plan::{Plan, Reason},
};
use chaos_events::{Reboot, Stop};
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet, PowerState};

use crate::cloud::{SUBSCRIPTION, machine, only_group, scale_sets, sets};

fn wide() -> BlastRadius {
    BlastRadius::default().targets_per_group(Quota::ALL).targets_per_run(Quota::ALL).max_active(100)
}

async fn plan(provider: impl Provider, event: impl ChaosEvent, blast_radius: BlastRadius) -> Plan {
    let monkey = Monkey::builder().provider(provider).event(event).blast_radius(blast_radius).seed(1);
    monkey.build().unwrap().plan().await.unwrap()
}

fn chosen(plan: &Plan) -> Vec<&str> {
    plan.chosen().map(|(target, _)| target.name()).collect()
}

fn instance(number: u32) -> String {
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers");
    format!("{group}/Microsoft.Compute/virtualMachineScaleSets/api/virtualMachines/{number}")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_deallocated_is_out_of_service_and_who_is_merely_stopped_is_not() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewScaleSet::new("shop", "api").capacity(8));
    for number in 0..4 {
        fake.set_power_state(&instance(number), PowerState::Deallocated);
    }
    let group = only_group(&scale_sets(&fake).build().unwrap()).await;
    assert_eq!((group.desired, group.in_service(), group.healthy()), (4, 4, 4), "the capacity is 8");
    let member = group.member(&group.id.target("0").unwrap()).unwrap();
    assert_eq!(member.out_of_service.as_deref(), Some("deallocated"));
    let half = plan(scale_sets(&fake).build().unwrap(), Reboot::default(), wide()).await;
    assert_eq!(half.chosen().count(), 2, "half of the four in service: {half}");

    fake.set_power_state(&instance(4), PowerState::Stopped);
    fake.set_power_state(&instance(5), PowerState::Stopped);
    let refused = plan(scale_sets(&fake).build().unwrap(), Reboot::default(), wide()).await;
    assert_eq!(refused.groups[0].reason, Some(Reason::too_few_healthy(1, 2)), "{refused}");

    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(3));
    fake.set_power_state(&machine("web-0"), PowerState::Deallocated);
    let group = only_group(&sets(&fake).build().unwrap()).await;
    assert_eq!((group.desired, group.members.len()), (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_not_come_back_as_it_was_keeps_its_host() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(3));
    fake.set_ephemeral_disk(&machine("web-0"));
    fake.set_spot(&machine("web-1"));
    let all = wide().min_healthy(0);
    let moving = || sets(&fake).stop_mode(StopMode::Deallocate).reboot_mode(RebootMode::Redeploy);
    let stopping = plan(moving().build().unwrap(), Stop::default(), all.clone()).await;
    assert_eq!(chosen(&stopping), ["web-2"], "{stopping}");
    let rebooting = plan(moving().build().unwrap(), Reboot::default(), all.clone()).await;
    assert_eq!(chosen(&rebooting), ["web-2"], "{rebooting}");
    let staying = plan(sets(&fake).build().unwrap(), Stop::default(), all.clone()).await;
    assert_eq!(staying.chosen().count(), 3, "powered off, each keeps its host: {staying}");

    let fake = FakeArm::start().unwrap();
    fake.add(NewScaleSet::new("shop", "api").capacity(2).spot());
    let moving = scale_sets(&fake).stop_mode(StopMode::Deallocate).build().unwrap();
    let spot = plan(moving, Stop::default(), all).await;
    assert_eq!(chosen(&spot), [""; 0], "{spot}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_machine_that_the_monkey_runs_on_is_no_target_unless_asked_for() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    let group = only_group(&sets(&fake).build().unwrap()).await;
    let (own, id) = (&group.members[0], group.members[0].incarnation.clone().unwrap());
    let all = wide().min_healthy(0);
    let careful = sets(&fake).own_machine(&*id).build().unwrap();
    let spared = plan(careful.clone(), Reboot::default(), all.clone()).await;
    assert_eq!(chosen(&spared), [group.members[1].target.id().name()], "{spared}");
    let seen = only_group(&careful).await;
    let why = seen.member(own.target.id()).unwrap().excluded.clone().unwrap();
    assert!(why.starts_with("this program runs on it"), "{why}");

    let asked = sets(&fake).include_own_machine().own_machine(&*id).build().unwrap();
    assert_eq!(plan(asked, Reboot::default(), all).await.chosen().count(), 2);
}

/// Azure says when a machine was created.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_as_old_as_azure_says() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewScaleSet::new("shop", "api").capacity(2));
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    let now = SystemClock::default().now();
    let of_set = only_group(&scale_sets(&fake).build().unwrap()).await;
    let of_machines = only_group(&sets(&fake).build().unwrap()).await;
    for member in of_set.members.iter().chain(&of_machines.members) {
        let age = now.duration_since(member.began_at.unwrap());
        assert!(age.as_hours().abs() < 24, "{member:?}");
    }
    let old = Duration::from_secs(48 * 3600);
    let builder = Monkey::builder().provider(scale_sets(&fake).build().unwrap()).event(Reboot::default());
    let plan = builder.blast_radius(wide()).min_age(old).build().unwrap().plan().await.unwrap();
    assert_eq!(plan.chosen().count(), 0, "{plan}");
    assert!(plan.to_string().contains("is too young until"), "{plan}");
}
