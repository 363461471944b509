//! The monkey over a world in memory, with time that the test drives.

use std::time::Duration;

use crate::support::{Fragile, Recorder, Stage, builder, clock};
use chaos_core::{
    BlastRadius, Health, Hold, Journal, MemoryJournal, Monkey, Outcome, Quota, Registry,
    calendar::Never,
    fault::FaultState,
    journal::FaultQuery,
    plan::{Decision, Percent, Reason},
    testing::{MemoryProvider, PowerOff, PowerOn},
};

#[tokio::test(start_paused = true)]
async fn a_run_stops_one_machine_and_brings_it_back() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let journal = MemoryJournal::new();
    let monkey = builder(&world, &journal).event(PowerOff::default()).seed(42).build().unwrap();

    let planned = monkey.plan().await.unwrap();
    let report = monkey.run_once().await.unwrap();

    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(report.seed, 42);
    assert_eq!(planned.chosen().collect::<Vec<_>>(), report.plan.chosen().collect::<Vec<_>>());
    let fault = &report.faults[0];
    assert_eq!(fault.state, FaultState::Recovered);
    assert_eq!(fault.time_to_recover(), Some(Duration::from_secs(60)));
    assert_eq!(journal.pending().await.unwrap().faults, []);
    assert_eq!(crate::support::health(&world, &fault.target).await, Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_leashed_monkey_touches_nothing() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let monkey =
        Monkey::builder().provider(world.clone()).event(PowerOff::default()).clock(clock()).build().unwrap();

    let report = monkey.run_once().await.unwrap();

    assert_eq!(report.outcome(), Outcome::DryRun);
    assert_eq!(report.plan.chosen().count(), 1);
    assert!(report.faults.is_empty());
    assert!(monkey.recover_pending().await.unwrap_err().to_string().contains("unleash"));
}

#[tokio::test(start_paused = true)]
async fn each_run_draws_anew_and_its_seed_draws_the_same_again() {
    let world = MemoryProvider::default().with_group("web", 20).unwrap();
    let victims = async |seed: u64, runs: usize| {
        let monkey =
            builder(&world, &MemoryJournal::new()).event(PowerOff::default()).seed(seed).build().unwrap();
        let mut victims = Vec::new();
        for _ in 0..runs {
            let report = monkey.run_once().await.unwrap();
            victims.push((report.seed, report.faults[0].target.clone()));
        }
        victims
    };
    let five = victims(7, 5).await;
    assert!(five.iter().any(|(_, target)| *target != five[0].1), "always the same victim: {five:?}");
    for (seed, target) in five {
        assert_eq!(victims(seed, 1).await[0].1, target, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_plan_says_of_everybody_why_not() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap().with_group("lone", 1).unwrap();
    world.set_health(&"memory:web/machine-0".parse().unwrap(), Health::Unhealthy).unwrap();
    world.set_health(&"memory:web/machine-1".parse().unwrap(), Health::Unknown).unwrap();
    let monkey = builder(&world, &MemoryJournal::new()).event(PowerOff::default()).seed(1).build().unwrap();

    let plan = monkey.plan().await.unwrap();

    let lone = &plan.groups[0];
    assert_eq!(lone.reason, Some(Reason::too_few_healthy(0, 1)));
    let web = &plan.groups[1];
    let decisions: Vec<&Decision> = web.targets.iter().map(|target| &target.decision).collect();
    assert_eq!(*decisions[0], Decision::not_chosen(Reason::not_healthy(Health::Unhealthy)));
    assert_eq!(*decisions[1], Decision::not_chosen(Reason::not_healthy(Health::Unknown)));
    let chosen = decisions[2..].iter().filter(|decision| matches!(decision, Decision::Chosen { .. })).count();
    // Three of five are healthy, and half of five, rounded up, must stay so.
    assert_eq!(chosen, 0);
    assert_eq!(web.reason, Some(Reason::too_few_healthy(2, 3)));
    let again: chaos_core::plan::Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(again, plan);
}

#[tokio::test(start_paused = true)]
async fn several_victims_are_recovered_even_when_one_of_them_fails() {
    let world = MemoryProvider::default().with_group("web", 6).unwrap();
    let journal = MemoryJournal::new();
    let wide = BlastRadius::default().targets_per_group(3).targets_per_run(3).max_active(3);
    for stage in Stage::ALL {
        let monkey = builder(&world, &journal)
            .event(Fragile::failing_at(stage, "memory:web/machine-2"))
            .blast_radius(wide.clone())
            .recovery_budget(Duration::from_secs(30))
            .build()
            .unwrap();
        // The draw may pass machine-2 over: run until it is among the victims.
        let report = loop {
            let report = monkey.run_once().await.unwrap();
            if report.plan.chosen().any(|(target, _)| target.name() == "machine-2") {
                break report;
            }
        };
        assert_eq!(journal.pending().await.unwrap().faults, [], "{stage:?}: {report}");
        for number in 0..6 {
            let id = format!("memory:web/machine-{number}").parse().unwrap();
            assert_eq!(
                crate::support::health(&world, &id).await,
                Health::Healthy,
                "{stage:?}: {id}: {report}"
            );
        }
        let expected = match stage {
            Stage::PrepareFails | Stage::PreparePanics => Outcome::Completed,
            _ => Outcome::Failed,
        };
        assert_eq!(report.outcome(), expected, "{stage:?}: {report}");
        assert_eq!(report.faults.len() + report.skipped.len(), 3, "{stage:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_recovery_that_fails_is_loud_blocks_the_target_and_is_mended_by_a_replay() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let journal = MemoryJournal::new();
    let recorder = Recorder::default();
    let target = "memory:web/machine-3".parse().unwrap();
    let monkey = builder(&world, &journal)
        .observer(recorder.clone())
        .recovery_budget(Duration::from_secs(20))
        .build()
        .unwrap();
    crate::support::break_recovery(true);
    let report = monkey.inject(Fragile::unrecoverable(), &target).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Failed);
    assert_eq!(report.faults[0].state, FaultState::RecoveryFailed);
    assert!(recorder.names().contains(&"recovery-failed".to_owned()), "{:?}", recorder.names());

    let again = monkey.inject(PowerOff::default(), &target).await.unwrap();
    assert_eq!(again.outcome(), Outcome::Failed, "the replay fails as well");
    assert!(again.faults.is_empty());
    let web = &again.plan.groups[0];
    let decision = &web.targets.iter().find(|planned| planned.id == target).unwrap().decision;
    assert!(matches!(
        decision,
        Decision::NotChosen { reason: Reason::UnderFault { state: FaultState::RecoveryFailed, .. }, .. }
    ));

    crate::support::break_recovery(false);
    let mended = monkey.recover_pending().await.unwrap().faults;
    assert_eq!(mended[0].state, FaultState::Recovered);
    assert_eq!(crate::support::health(&world, &target).await, Health::Healthy);
    assert_eq!(monkey.inject(PowerOff::default(), &target).await.unwrap().outcome(), Outcome::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_person_may_declare_a_fault_mended() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let journal = MemoryJournal::new();
    let monkey = builder(&world, &journal).build().unwrap();
    let (fault, target) = crate::support::orphan(&world, &journal).await;
    monkey.declare_mended(fault, "restarted it from the console").await.unwrap();
    assert_eq!(journal.pending().await.unwrap().faults, []);
    let record = &journal.find(&FaultQuery::all().target(target)).await.unwrap().faults[0];
    assert_eq!(record.note.as_deref(), Some("declared mended: restarted it from the console"));
}

#[tokio::test(start_paused = true)]
async fn a_monkey_recovers_what_is_pending_before_it_injects() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let journal = MemoryJournal::new();
    let (fault, target) = crate::support::orphan(&world, &journal).await;
    assert_eq!(crate::support::health(&world, &target).await, Health::Stopped);

    let monkey = builder(&world, &journal).event(PowerOff::default()).build().unwrap();
    let report = monkey.run_once().await.unwrap();

    assert_eq!(report.replayed.iter().map(|replayed| replayed.id).collect::<Vec<_>>(), [fault]);
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(journal.pending().await.unwrap().faults, []);
}

#[tokio::test(start_paused = true)]
async fn a_replay_leaves_alone_what_a_living_monkey_holds() {
    let world = MemoryProvider::default().with_group("web", 6).unwrap();
    let journal = MemoryJournal::new();
    let first = builder(&world, &journal).event(PowerOff::default()).build().unwrap();
    let holding = tokio::spawn(async move { first.run_once().await.unwrap() });
    crate::support::until_state(&journal, FaultState::Active).await;

    let second = builder(&world, &journal).event(PowerOff::default()).build().unwrap();
    assert_eq!(second.recover_pending().await.unwrap().faults, []);
    let refused = second.run_once().await.unwrap();
    assert_eq!(refused.outcome(), Outcome::Skipped, "{refused}");
    assert_eq!(refused.plan.groups[0].reason, Some(Reason::group_limit(1, 1)));

    // A person may take it over; the one who held it recovers once more and reports the same.
    let taken = second.take_over_pending().await.unwrap().faults;
    assert_eq!(taken[0].state, FaultState::Recovered);
    let report = holding.await.unwrap();
    assert_eq!(report.faults[0].state, FaultState::Recovered, "{report}");
    assert_eq!(journal.pending().await.unwrap().faults, []);
}

#[tokio::test(start_paused = true)]
async fn a_halt_ends_what_is_held_and_forbids_what_is_to_come() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let journal = MemoryJournal::new();
    let held = PowerOff::lasting(Hold::lasting(Duration::from_secs(3600)).unwrap());
    let holder = builder(&world, &journal).event(held).build().unwrap();
    let running = tokio::spawn({
        let holder = holder.clone();
        async move { holder.run_once().await.unwrap() }
    });
    crate::support::until_state(&journal, FaultState::Active).await;

    // The order comes from another process over the same journal.
    let other = builder(&world, &journal).event(PowerOff::default()).build().unwrap();
    other.halt("the pager rings").await.unwrap();
    let report = running.await.unwrap();
    assert!(report.faults[0].time_to_recover().unwrap() < Duration::from_secs(10), "{report}");
    assert_eq!(journal.pending().await.unwrap().faults, []);

    for monkey in [&holder, &other] {
        let refused = monkey.run_once().await.unwrap();
        assert_eq!(refused.plan.refused, Some(Reason::halted("the pager rings")));
        assert_eq!(refused.outcome(), Outcome::Skipped);
    }
    other.resume().await.unwrap();
    assert_eq!(other.run_once().await.unwrap().outcome(), Outcome::Completed);
}

#[tokio::test(start_paused = true)]
async fn shutdown_cuts_the_hold_short_and_waits_for_the_recovery() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let journal = MemoryJournal::new();
    let monkey = builder(&world, &journal).event(PowerOff::default()).build().unwrap();
    let running = tokio::spawn({
        let monkey = monkey.clone();
        async move { monkey.run_once().await.unwrap() }
    });
    crate::support::until_state(&journal, FaultState::Active).await;
    monkey.shutdown().await;
    assert_eq!(journal.pending().await.unwrap().faults, []);
    assert!(running.await.unwrap().faults[0].time_to_recover().unwrap() < Duration::from_secs(1));
    assert!(monkey.run_once().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn run_repeats_until_it_is_told_to_stop() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let journal = MemoryJournal::new();
    let recorder = Recorder::default();
    let monkey = builder(&world, &journal)
        .event(PowerOff::default())
        .every(Duration::from_secs(600))
        .observer(recorder.clone())
        .build()
        .unwrap();
    // Runs of 60 s begin at 0 s, 660 s and 1,320 s: the third is in its hold when it is told to stop.
    let clock = clock();
    monkey.run(chaos_core::clock::Clock::sleep(&clock, Duration::from_secs(1_350))).await.unwrap();
    assert_eq!(recorder.names().iter().filter(|name| *name == "run-began").count(), 3);
    assert_eq!(recorder.names().iter().filter(|name| *name == "recovered").count(), 3);
    assert_eq!(journal.pending().await.unwrap().faults, []);
}

#[tokio::test(start_paused = true)]
async fn cool_down_and_limits_hold_between_runs() {
    let world = MemoryProvider::default().with_group("web", 2).unwrap();
    let journal = MemoryJournal::new();
    let monkey = builder(&world, &journal)
        .event(PowerOff::default())
        .cool_down(Duration::from_secs(3600))
        .build()
        .unwrap();
    assert_eq!(monkey.run_once().await.unwrap().outcome(), Outcome::Completed);
    assert_eq!(monkey.run_once().await.unwrap().outcome(), Outcome::Completed);
    let third = monkey.run_once().await.unwrap();
    assert_eq!(third.outcome(), Outcome::Skipped);
    let all_cool = third.plan.groups[0].targets.iter().all(|target| {
        matches!(target.decision, Decision::NotChosen { reason: Reason::CoolingDown { .. }, .. })
    });
    assert!(all_cool, "{:?}", third.plan);
}

#[tokio::test(start_paused = true)]
async fn a_fault_must_be_undone_by_closing_time() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    // Midnight is 15 hours away from the test's clock, 12 hours of hold and 3 hours of budget fit to the second.
    let fits = |budget: u64| {
        let held = PowerOff::lasting(Hold::lasting(Hold::LONGEST).unwrap());
        let monkey = builder(&world, &MemoryJournal::new())
            .event(held)
            .calendar(crate::support::UntilMidnight)
            .recovery_budget(Duration::from_secs(budget))
            .build()
            .unwrap();
        async move { monkey.plan().await.unwrap() }
    };
    assert_eq!(fits(3 * 3600).await.chosen().count(), 1);
    let refused = fits(3 * 3600 + 1).await;
    assert_eq!(refused.chosen().count(), 0);
    assert!(matches!(refused.groups[0].reason, Some(Reason::ClosesTooSoon { .. })), "{refused:?}");

    let closed =
        builder(&world, &MemoryJournal::new()).event(PowerOff::default()).calendar(Never).build().unwrap();
    let report = closed.run_once().await.unwrap();
    let refused = Some(Reason::calendar_closed(None, None));
    assert_eq!((report.outcome(), report.plan.refused), (Outcome::Skipped, refused));
}

#[tokio::test(start_paused = true)]
async fn a_half_read_listing_is_a_doubt_and_nothing_it_yielded_is_touched() {
    let world = MemoryProvider::default().with_group("a", 5).unwrap().with_group("b", 5).unwrap();
    let monkey = Monkey::builder()
        .provider(crate::support::HalfRead(world))
        .event(PowerOff::default())
        .clock(clock())
        .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped);
    assert_eq!(report.plan.groups.len(), 1);
    assert!(matches!(report.plan.groups[0].reason, Some(Reason::Doubt { .. })), "{report}");
    assert!(report.to_string().contains("page 2"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_recovery_that_cannot_be_read_back_is_refused_before_the_injection() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let journal = MemoryJournal::new();
    let monkey = Monkey::builder()
        .provider(world)
        .event(PowerOff::default())
        .clock(clock())
        .unleash(journal.clone(), Registry::default())
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped);
    assert!(report.to_string().contains("chaos-core/power-on/1"), "{report}");
    assert_eq!(journal.find(&FaultQuery::all()).await.unwrap().faults, []);
    assert!(!monkey.diagnose().await.is_sound());
}

#[tokio::test(start_paused = true)]
async fn diagnose_finds_nothing_wrong_with_a_sound_monkey_and_touches_nothing() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let journal = MemoryJournal::new();
    let monkey = builder(&world, &journal).event(PowerOff::default()).build().unwrap();
    let diagnosis = monkey.diagnose().await;
    assert!(diagnosis.is_sound(), "{diagnosis:?}");
    assert_eq!(diagnosis.checks.len(), 4);
    assert_eq!(journal.find(&FaultQuery::all()).await.unwrap().faults, []);
}

#[test]
fn bad_input_names_the_field_and_the_value() {
    let world = || MemoryProvider::default().with_group("web", 5).unwrap();
    let message = |builder: chaos_core::MonkeyBuilder| builder.build().unwrap_err().to_string();
    assert_eq!(message(Monkey::builder()), "invalid providers: none; expected at least one");
    let twice = Monkey::builder().provider(world()).provider(world());
    assert!(message(twice).starts_with(r#"invalid provider scheme: "memory""#));
    let too_much = BlastRadius::default().min_healthy(Percent(130));
    let message = message(Monkey::builder().provider(world()).blast_radius(too_much));
    assert_eq!(message, "invalid min_healthy: 130%; expected a percentage from 0% to 100%");
}

#[tokio::test(start_paused = true)]
async fn the_run_limit_spans_groups_and_a_percentage_rounds_down() {
    let mut world = MemoryProvider::default();
    for name in ["a", "b", "c", "d"] {
        world = world.with_group(name, 5).unwrap();
    }
    let chosen = async |radius: BlastRadius| {
        let monkey = builder(&world, &MemoryJournal::new())
            .event(PowerOff::default())
            .blast_radius(radius)
            .build()
            .unwrap();
        monkey.plan().await.unwrap().chosen().count()
    };
    let wide = BlastRadius::default().targets_per_run(Quota::ALL).max_active(usize::MAX);
    assert_eq!(chosen(BlastRadius::default()).await, 1);
    assert_eq!(chosen(wide.clone()).await, 4);
    assert_eq!(chosen(wide.clone().targets_per_run(Percent(19))).await, 3);
    assert_eq!(chosen(wide.clone().max_active(2)).await, 2);
    assert_eq!(chosen(wide.clone().targets_per_group(Percent(39))).await, 4);
    assert_eq!(
        chosen(wide.clone().targets_per_group(Percent(100))).await,
        8,
        "half of five, rounded up, stay"
    );
    assert_eq!(chosen(wide.clone().targets_per_group(Percent(19))).await, 0);
}
