//! Events from end to end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use chaos_azure::{FAULT_DOMAIN_LABEL, RebootMode, StopMode};
use chaos_core::{
    BlastRadius, ChaosEvent, ErrorKind, Health, Journal, MemoryJournal, Monkey, Outcome, Provider, Quota,
    RunReport, TargetId,
    fault::Milestone,
    plan::{Decision, FailureDomain, Percent, Reason},
};
use chaos_events::{Reboot, Stop, Terminate};
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet, Pace, PowerState, Trouble};
use futures_util::future::join_all;

use crate::cloud::{count, list, machine, only_group, scale_sets, sets};

fn world(machines: u32) -> FakeArm {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(machines));
    fake
}

fn monkey(provider: impl Provider, event: impl ChaosEvent) -> Monkey {
    Monkey::builder()
        .provider(provider)
        .event(event)
        .blast_radius(BlastRadius::default().min_healthy(0))
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()
        .unwrap()
}

/// A hold that is long enough for a busy machine.
fn stop() -> Stop {
    Stop::lasting(Duration::from_secs(5)).unwrap()
}

fn web(number: u32) -> TargetId {
    format!("azure-avset:{}/shop/web/web-{number}", FakeArm::SUBSCRIPTION).parse().unwrap()
}

async fn inject(fake: &FakeArm, event: impl ChaosEvent) -> RunReport {
    let provider = sets(fake).build().unwrap();
    monkey(provider, stop()).inject(event, &web(0)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_twenty_is_powered_off_and_started_again() {
    let fake = world(20);
    let provider = sets(&fake).build().unwrap();
    let journal = MemoryJournal::new();
    let monkey = Monkey::builder()
        .provider(provider.clone())
        .event(stop())
        .unleash(journal.clone(), chaos_events::registry())
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
    assert!(report.is_recovered() && report.faults.len() == 1);
    assert_eq!((count(&fake, "POST", "/powerOff"), count(&fake, "POST", "/start")), (1, 1));
    let group = only_group(&provider).await;
    assert_eq!((group.members.len(), group.healthy()), (20, 20));
    assert!(journal.pending().await.unwrap().faults.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_orderly_abrupt_or_gives_the_host_up() {
    for (mode, path, skips) in [
        (StopMode::Orderly, "/powerOff", false),
        (StopMode::Abrupt, "/powerOff", true),
        (StopMode::Deallocate, "/deallocate", false),
    ] {
        let fake = world(2);
        let provider = sets(&fake).stop_mode(mode).build().unwrap();
        let report = monkey(provider.clone(), stop()).inject(stop(), &web(0)).await.unwrap();
        assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{mode:?}: {report:?}");
        let requests = fake.requests();
        let order = requests.iter().find(|request| request.path.ends_with(path)).expect(path);
        assert_eq!(order.query.contains(&("skipShutdown".to_owned(), "true".to_owned())), skips);
        assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Running));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reboot_is_a_restart_or_a_move_to_another_host() {
    for (mode, path) in [(RebootMode::Restart, "/restart"), (RebootMode::Redeploy, "/redeploy")] {
        let fake = world(2);
        let provider = sets(&fake).reboot_mode(mode).build().unwrap();
        let report = monkey(provider, stop()).inject(Reboot::default(), &web(0)).await.unwrap();
        assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{report:?}");
        assert_eq!((count(&fake, "POST", path), fake.boots(&machine("web-0"))), (1, Some(2)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_availability_set_replaces_nothing_so_that_nobody_is_terminated() {
    let fake = world(3);
    let provider = sets(&fake).build().unwrap();
    let plan = monkey(provider.clone(), Terminate::default()).plan().await.unwrap();
    assert!(matches!(&plan.groups[0].reason, Some(Reason::Unsuitable { .. })), "{:?}", plan.groups[0].reason);
    let plan = monkey(provider, Terminate::default().even_without_replacement()).plan().await.unwrap();
    let lacks = |decision: &Decision| {
        matches!(decision, Decision::NotChosen { reason: Reason::LacksCapability { .. }, .. })
    };
    assert!(plan.groups[0].targets.iter().all(|target| lacks(&target.decision)), "{plan:?}");
    assert_eq!(count(&fake, "DELETE", "/web-0"), 0);
}

/// An order that an event or its recovery gives, with the modes of stop and reboot.
type Order = (&'static str, &'static str, Arc<dyn ChaosEvent>, StopMode, RebootMode);

fn orders() -> Vec<Order> {
    let (stops, reboots) = (StopMode::Orderly, RebootMode::Restart);
    vec![
        ("POST", "/powerOff", Arc::new(stop()), stops, reboots),
        ("POST", "/deallocate", Arc::new(stop()), StopMode::Deallocate, reboots),
        ("POST", "/start", Arc::new(stop()), stops, reboots),
        ("POST", "/restart", Arc::new(Reboot::default()), stops, reboots),
        ("POST", "/redeploy", Arc::new(Reboot::default()), stops, RebootMode::Redeploy),
        ("DELETE", "/virtualMachines/0", Arc::new(Terminate::default()), stops, reboots),
    ]
}

/// Injects with trouble at the first order. Two of two must be healthy at the end.
async fn troubled(order: Order, trouble: &Trouble, is_carried_out: bool, is_scale_set: bool) {
    let (method, path, event, stops, reboots) = order;
    let what = format!("{trouble:?} at {path}, of a scale set: {is_scale_set}");
    let fake = FakeArm::start().unwrap();
    let provider: Arc<dyn Provider> = if is_scale_set {
        fake.add(NewScaleSet::new("shop", "api").capacity(2).held_at(2));
        Arc::new(scale_sets(&fake).stop_mode(stops).reboot_mode(reboots).build().unwrap())
    } else {
        fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
        Arc::new(sets(&fake).stop_mode(stops).reboot_mode(reboots).build().unwrap())
    };
    let target = only_group(&provider).await.members[0].target.id().clone();
    fake.trouble(trouble.clone().on(method, format!("*{path}")));
    let report = monkey(Arc::clone(&provider), Reboot::default()).inject(event, &target).await.unwrap();
    assert!(report.is_recovered() && report.faults.len() == 1, "{what}: {report:?}");
    // The recovery continues until the machine is back. An order that harms a machine is given once.
    let is_of_the_recovery = path == "/start";
    assert_eq!(report.faults[0].failure.is_none(), is_of_the_recovery, "{what}: {report:?}");
    let expected = if is_of_the_recovery && !is_carried_out { 2 } else { 1 };
    assert_eq!(count(&fake, method, path), expected, "{what}");
    let after = only_group(&provider).await;
    assert_eq!((after.members.len(), after.healthy()), (2, 2), "{what}: {after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_answer_is_lost_ends_in_a_recovery_and_is_not_given_twice() {
    let mut cases = Vec::new();
    for (trouble, is_carried_out) in
        [(Trouble::cut_after(), true), (Trouble::cut_before(), false), (Trouble::internal_error(), false)]
    {
        for is_scale_set in [false, true] {
            for order in orders() {
                let is_possible = is_scale_set || order.0 == "POST";
                if is_possible {
                    let trouble = trouble.clone();
                    cases.push(async move { troubled(order, &trouble, is_carried_out, is_scale_set).await });
                }
            }
        }
    }
    assert_eq!(cases.len(), 33);
    join_all(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_fails_is_told_and_recovered_from() {
    for trouble in [
        Trouble::fail_operation("InternalExecutionError", "An internal execution error occurred."),
        Trouble::fail_operation_after_effect("VMStopFailed", "It has stopped nevertheless."),
    ] {
        let fake = world(2);
        fake.trouble(trouble.on("POST", "*/powerOff"));
        let report = inject(&fake, stop()).await;
        assert!(report.is_recovered(), "{report:?}");
        let failure = report.faults[0].failure.as_ref().expect("the order has failed");
        assert!(failure.message.contains("did not carry it out"), "{failure}");
        assert!(
            failure.message.contains("order=\"Microsoft.Compute/virtualMachines/powerOff/action\""),
            "{failure}"
        );
        assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Running));
    }
    // An order of the recovery also fails, and is retried.
    let fake = world(2);
    fake.trouble(
        Trouble::fail_operation("AllocationFailed", "No host is free.").on("POST", "*/start").times(2),
    );
    let report = inject(&fake, stop()).await;
    assert!(report.is_recovered(), "{report:?}");
    assert_eq!(count(&fake, "POST", "/start"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_does_not_end_holds_nothing_up() {
    // Nor if each look at it is slow.
    for milliseconds in [1, 900] {
        let fake = world(2);
        fake.trouble(Trouble::hang_operation().on("POST", "*/powerOff"));
        fake.trouble(Trouble::delay(milliseconds).on("GET", "*/operations/*").for_ever());
        let report = inject(&fake, stop()).await;
        assert!(report.is_recovered() && report.faults[0].failure.is_none(), "it was accepted: {report:?}");
        assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Running));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_start_is_ordered_once() {
    let fake = world(2);
    fake.configure(|settings| settings.pace = Pace::Milliseconds(3_000));
    let report = inject(&fake, Stop::lasting(Duration::from_secs(15)).unwrap()).await;
    assert!(report.is_recovered(), "{report:?}");
    assert_eq!(count(&fake, "POST", "/start"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_deleted_after_the_plan_is_left_alone() {
    let fake = world(2);
    let provider = sets(&fake).build().unwrap();
    let monkey = monkey(provider, stop());
    assert_eq!(monkey.plan().await.unwrap().chosen().count(), 1);
    for machine in fake.machines() {
        fake.delete_machine(&machine);
    }
    let report = monkey.run_once().await.unwrap();
    assert!(report.faults.is_empty(), "{report:?}");
    assert_eq!(count(&fake, "POST", "/powerOff"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_deleted_under_a_fault_has_nothing_left_to_undo() {
    let fake = world(2);
    let provider = sets(&fake).build().unwrap();
    let target = only_group(&provider).await.members[0].target.clone();
    fake.trouble(Trouble::delay(1).on("POST", "*/start"));
    let monkey = monkey(provider.clone(), stop());
    let holding = tokio::spawn(async move { monkey.inject(stop(), &web(0)).await });
    while fake.power_state(&machine("web-0")) != Some(PowerState::Stopped) {
        tokio::task::yield_now().await;
    }
    fake.delete_machine(&machine("web-0"));
    let report = holding.await.unwrap().unwrap();
    assert!(report.is_recovered(), "{report:?}");
    assert_eq!(target.health().await.unwrap(), Health::Gone);
    assert!(provider.resolve(&web(0)).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_of_both_kinds_are_stopped_started_and_deleted() {
    for (name, is_flexible) in [("api", false), ("flex", true)] {
        let fake = FakeArm::start().unwrap();
        let set = NewScaleSet::new("shop", name).capacity(3);
        fake.add(if is_flexible { set.flexible() } else { set });
        let provider = scale_sets(&fake).build().unwrap();
        let monkey = monkey(provider.clone(), stop());
        let group = only_group(&provider).await;
        let target = group.members[0].target.id().clone();
        let report = monkey.inject(stop(), &target).await.unwrap();
        assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{report:?}");

        let terminate = Terminate::default().even_without_replacement();
        let report = monkey.inject(terminate, &target).await.unwrap();
        assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{report:?}");
        assert!(provider.resolve(&target).await.unwrap().is_none(), "it is gone for good");
        assert_eq!(only_group(&provider).await.members.len(), 2, "and nothing takes its place");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_looked_at_before_anything_is_asked() {
    let fake = world(1);
    let provider = sets(&fake).build().unwrap();
    fake.forget_requests();
    let subscription = FakeArm::SUBSCRIPTION;
    for text in [
        format!("azure-avset:{subscription}/shop/web/.."),
        format!("azure-avset:{subscription}/Shop/web/web-0"),
        format!("azure-vmss:{subscription}/shop/web/web-0"),
        "azure-avset:evil.example/shop/web/web-0".to_owned(),
    ] {
        let error = provider.resolve(&text.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
        assert!(provider.remains(&text.parse().unwrap()).await.is_err(), "{text}");
    }
    assert_eq!(fake.requests().len(), 0);
    let unknown = format!("azure-avset:{subscription}/shop/nobody").parse().unwrap();
    let error = provider.group(&unknown).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rack_fails_and_no_other_and_never_the_last_one() {
    let rack = |fake: &FakeArm| {
        Monkey::builder()
            .provider(sets(fake).build().unwrap())
            .event(stop())
            .blast_radius(
                BlastRadius::default()
                    .within(FailureDomain::by_label(FAULT_DOMAIN_LABEL))
                    .targets_per_group(Quota::ALL)
                    .targets_per_run(Quota::ALL)
                    .min_healthy(Percent(50)),
            )
            .seed(7)
            .unleash(MemoryJournal::new(), chaos_events::registry())
            .build()
            .unwrap()
    };
    let fake = world(6);
    let domains: BTreeMap<TargetId, String> = only_group(&sets(&fake).build().unwrap())
        .await
        .members
        .iter()
        .map(|member| (member.target.id().clone(), member.target.labels()[FAULT_DOMAIN_LABEL].clone()))
        .collect();
    let report = rack(&fake).run_once().await.unwrap();
    assert!(report.is_recovered(), "{report:?}");
    assert_eq!(report.faults.len(), 3, "half of the six, which are in two racks");
    let hit: BTreeSet<&String> = report.faults.iter().map(|fault| &domains[&fault.target]).collect();
    assert_eq!(hit.len(), 1, "{hit:?}");

    // If all remaining machines of the other rack are down, no rack may fail.
    let healthy = *hit.first().unwrap();
    for (target, domain) in &domains {
        if domain != healthy {
            fake.set_power_state(&machine(target.name()), PowerState::Stopped);
        }
    }
    let report = rack(&fake).run_once().await.unwrap();
    assert!(report.faults.is_empty(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_autoscale_setting_holds_at_its_number_is_terminated_and_replaced() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewScaleSet::new("shop", "api").capacity(5).held_at(5));
    fake.configure(|settings| settings.repair_milliseconds = 1_000);
    let provider = scale_sets(&fake).build().unwrap();
    let before = only_group(&provider).await;
    assert!(before.replaces_members);
    let report = monkey(provider.clone(), Terminate::default()).run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
    let victim = &report.faults[0].target;
    assert!(provider.resolve(victim).await.unwrap().is_none());
    let after = only_group(&provider).await;
    assert_eq!((after.desired, after.healthy()), (5, 5));
    assert!(after.member(victim).is_none());
    let replaced = report.faults[0].ended_at.unwrap().duration_since(report.faults[0].armed_at);
    assert!(replaced.as_millis() >= 1_000, "the recovery waits for the replacement: {replaced}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_instance_that_repairs_replace_is_waited_for() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewScaleSet::new("shop", "api").capacity(3).automatic_repairs());
    fake.configure(|settings| settings.repair_milliseconds = 1_500);
    let provider = scale_sets(&fake).build().unwrap();
    let before = only_group(&provider).await;
    assert!(before.replaces_stopped && !before.replaces_members);
    let target = before.members[0].target.id().clone();
    let report = monkey(provider.clone(), stop()).inject(stop(), &target).await.unwrap();
    assert!(report.is_recovered(), "{report:?}");
    assert!(provider.resolve(&target).await.unwrap().is_none());
    let after = only_group(&provider).await;
    assert_eq!((after.desired, after.healthy()), (3, 3), "the replacement is there");
    let reached: Vec<_> = report.faults[0].milestones.iter().map(|reached| reached.milestone).collect();
    assert_eq!(reached, [Milestone::Replaced, Milestone::Healthy], "{report:?}");
    let note = report.faults[0].note.clone().unwrap();
    assert!(note.contains("the replacement is the recovery"), "{note}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_more_than_it_must_has_nobody_replaced() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewScaleSet::new("shop", "api").capacity(5).held_at(4));
    fake.add(NewScaleSet::new("shop", "repaired").capacity(5).automatic_repairs());
    fake.add(NewScaleSet::new("shop", "flex").capacity(5).flexible().held_at(5));
    let groups = list(&scale_sets(&fake).build().unwrap()).await.unwrap();
    assert!(groups.iter().all(|group| !group.replaces_members && group.desired == 5), "{groups:?}");
}
