//! A run reports no more about its holds than its looks have seen.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{Nothing, builder, clock, registry, runtime};
use chaos_core::{
    CapabilitySet, ChaosEvent, Error, ErrorKind, FaultId, Health, Hold, MemoryJournal, Monkey, Observer,
    Outcome, Permit, Prepared, Recovery, RecoveryScope, Registry, Result, RunReport, Scope, TargetId,
    Verdict, async_trait,
    clock::Clock,
    fault::{CutShort, FaultRecord, FaultState},
    testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 3).unwrap()
}

fn machine(number: usize) -> TargetId {
    format!("memory:web/machine-{number}").parse().unwrap()
}

fn off(hold: u64) -> PowerOff {
    PowerOff::lasting(Hold::lasting(seconds(hold)).unwrap())
}

/// The changes to machine 1 while a monkey keeps it off for 100 seconds, and the outcome of the run.
async fn while_held(meddle: impl AsyncFnOnce(Arc<ManualClock>, MemoryProvider, Monkey)) -> RunReport {
    let (world, clock) = (world(), Arc::new(clock()));
    let monkey = Monkey::builder()
        .provider(world.clone())
        .clock(Arc::clone(&clock))
        .unleash(MemoryJournal::new(), registry())
        .build()
        .unwrap();
    let running = {
        let monkey = monkey.clone();
        tokio::spawn(async move { monkey.inject(off(100), &machine(1)).await.unwrap() })
    };
    meddle(clock, world, monkey).await;
    running.await.unwrap()
}

fn seconds_of(fault: &FaultRecord) -> f64 {
    fault.achieved.get("seconds").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_gone_is_over_and_not_back() {
    let report = while_held(async |clock, world, _| {
        clock.sleep(seconds(60)).await;
        world.make_anew(&machine(1)).unwrap();
    })
    .await;
    let fault = &report.faults[0];
    assert!(report.is_recovered() && fault.gone, "there is nothing left to undo: {report}");
    assert_eq!((fault.time_to_recover(), fault.time_to_revert()), (None, None), "nobody saw it come back");
    let said = report.to_string();
    assert!(said.contains("over, and gone for good") && !said.contains("recovered"), "{said}");
    assert!(said.contains("the machine no longer exists"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_is_seen_through_is_completed() {
    let report = while_held(async |_, _, _| {}).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    report.ensure_completed().unwrap();
    let fault = &report.faults[0];
    assert_eq!((fault.cut_short, fault.no_effect.as_deref(), seconds_of(fault)), (None, None, 100.0));
    assert_eq!(fault.time_to_recover(), Some(seconds(100)));
    assert_eq!(fault.time_to_revert(), Some(Duration::ZERO));
    assert_eq!(fault.recover_by, fault.deadline + seconds(300));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_undoes_is_cut_short_and_counts_only_as_long_as_it_was_seen() {
    for (undone_after, seen_until) in [(30, 0.0), (70, 50.0)] {
        let report = while_held(async |clock, world, _| {
            clock.sleep(seconds(undone_after)).await;
            world.set_health(&machine(1), Health::Healthy).unwrap();
        })
        .await;
        assert_eq!(report.outcome(), Outcome::CutShort, "{report}");
        assert_eq!(report.faults[0].cut_short, Some(CutShort::EndedEarly), "{report}");
        assert_eq!(seconds_of(&report.faults[0]), seen_until, "{report}");
        let error = report.ensure_completed().unwrap_err();
        assert!(error.to_string().contains("cut short: it ended before its time"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_halts_what_was_over_already_adds_nothing_to_it() {
    let report = while_held(async |clock, world, monkey| {
        clock.sleep(seconds(1)).await;
        world.set_health(&machine(1), Health::Healthy).unwrap();
        // A look has seen it, and no second one has.
        clock.sleep(seconds(51)).await;
        monkey.halt("enough").await.unwrap();
    })
    .await;
    assert_eq!(report.outcome(), Outcome::CutShort, "{report}");
    assert_eq!(seconds_of(&report.faults[0]), 0.0, "{report}");
}

/// An injection in two steps; the second is due in ten seconds.
#[derive(Debug)]
struct InTwoSteps(Arc<Mutex<u32>>);

#[async_trait]
impl ChaosEvent for InTwoSteps {
    fn name(&self) -> &'static str {
        "in-two-steps"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        Hold::DEFAULT
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let (steps, clock) = (Arc::clone(&self.0), Arc::clone(scope.clock()));
        Ok(Prepared::new(chaos_core::testing::PowerOn::default(), move |_| {
            Box::pin(async move {
                *steps.lock().unwrap() += 1;
                clock.sleep(seconds(10)).await;
                *steps.lock().unwrap() += 1;
                Ok(())
            })
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn an_injection_that_wakes_up_past_its_deadline_goes_on_with_nothing() {
    let (clock, steps) = (Arc::new(clock()), Arc::default());
    let monkey = Monkey::builder()
        .provider(world())
        .clock(Arc::clone(&clock))
        .event(InTwoSteps(Arc::clone(&steps)))
        .unleash(MemoryJournal::new(), registry())
        .build()
        .unwrap();
    let running = tokio::spawn(async move { monkey.run_once().await.unwrap() });
    clock.sleep(seconds(5)).await;
    // The machine has slept for an hour.
    clock.jump(SignedDuration::from_hours(1));
    let report = running.await.unwrap();
    assert_eq!(report.outcome(), Outcome::Failed, "{report}");
    assert_eq!(*steps.lock().unwrap(), 1, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_is_behind_for_one_look_ends_no_hold() {
    let report = while_held(async |clock, world, _| {
        clock.sleep(seconds(49)).await;
        world.set_health(&machine(1), Health::Healthy).unwrap();
        clock.sleep(seconds(2)).await;
        world.set_health(&machine(1), Health::Stopped).unwrap();
    })
    .await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(report.faults[0].time_to_recover(), Some(seconds(100)), "that look is no recovery");
}

#[tokio::test(start_paused = true)]
async fn who_halts_or_shuts_down_or_drops_the_run_cuts_it_short() {
    let halted = while_held(async |clock, _, monkey| {
        clock.sleep(seconds(20)).await;
        monkey.halt("enough").await.unwrap();
    })
    .await;
    assert_eq!(halted.outcome(), Outcome::CutShort, "{halted}");
    assert_eq!(halted.faults[0].cut_short, Some(CutShort::Halted));
    assert_eq!(seconds_of(&halted.faults[0]), 20.0);

    let shut_down = while_held(async |clock, _, monkey| {
        clock.sleep(seconds(20)).await;
        monkey.shutdown().await;
    })
    .await;
    assert_eq!(shut_down.outcome(), Outcome::CutShort, "{shut_down}");
    assert_eq!(shut_down.faults[0].cut_short, Some(CutShort::Cancelled));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_changes_no_figure() {
    let report = while_held(async |clock, _, _| {
        clock.sleep(seconds(20)).await;
        clock.jump(-SignedDuration::from_hours(3));
    })
    .await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    let fault = &report.faults[0];
    assert_eq!((seconds_of(fault), fault.time_to_recover()), (100.0, Some(seconds(100))));
    assert_eq!(fault.recovering_at.unwrap(), fault.deadline);
    assert_eq!(fault.late_by(), None);
}

#[tokio::test(start_paused = true)]
async fn what_no_look_has_seen_had_no_effect() {
    let monkey = builder(&world(), &MemoryJournal::new())
        .event(Nothing(Hold::DEFAULT, PowerOn::default))
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::NoEffect, "{report}");
    assert!(report.to_string().contains("no effect: no look has seen the fault in effect"), "{report}");
}

/// An injection that has seen its effect, which is gone before the first look.
#[derive(Debug)]
struct Fleeting;

#[async_trait]
impl ChaosEvent for Fleeting {
    fn name(&self) -> &'static str {
        "fleeting"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        Hold::DEFAULT
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let scope = scope.clone();
        let prepared = Prepared::new(chaos_core::testing::PowerOn::default(), move |_| {
            Box::pin(async move {
                scope.see_effect();
                Ok(())
            })
        });
        Ok(prepared.requesting("seconds", 60.0))
    }
}

#[tokio::test(start_paused = true)]
async fn what_only_the_injection_has_seen_lasted_no_time() {
    let monkey = builder(&world(), &MemoryJournal::new()).event(Fleeting).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::CutShort, "{report}");
    assert_eq!(seconds_of(&report.faults[0]), 0.0, "{report}");
}

/// A clock that stands still for a stopped process. The next time that the process asks, hours have passed.
#[derive(Debug)]
struct Stopped {
    clock: ManualClock,
    missed: Mutex<Duration>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.clock.now() + *self.missed.lock().unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic() + *self.missed.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

/// Stops the process, as far as its clock can tell, when an activity of this name is told.
#[derive(Debug)]
struct StopsAt(&'static str, Arc<Stopped>);

impl Observer for StopsAt {
    fn observe(&self, _: Timestamp, activity: &chaos_core::observer::Activity) {
        if serde_json::to_value(activity).unwrap()["activity"] == self.0 {
            *self.1.missed.lock().unwrap() += Duration::from_secs(3600);
        }
    }
}

/// A run whose process is stopped for an hour at this activity.
async fn stopped_at(activity: &'static str) -> (MemoryProvider, RunReport) {
    let world = world();
    let clock = Arc::new(Stopped { clock: clock(), missed: Mutex::default() });
    let monkey = Monkey::builder()
        .provider(world.clone())
        .clock(Arc::clone(&clock))
        .observer(StopsAt(activity, clock))
        .unleash(MemoryJournal::new(), registry())
        .build()
        .unwrap();
    let report = monkey.inject(off(60), &machine(1)).await.unwrap();
    (world, report)
}

#[tokio::test(start_paused = true)]
async fn who_was_stopped_in_the_hold_says_how_late_the_recovery_began() {
    let (_, report) = stopped_at("injected").await;
    assert_eq!(report.outcome(), Outcome::Failed, "{report}");
    assert_eq!(report.faults[0].state, FaultState::Recovered, "{report}");
    assert_eq!(report.faults[0].late_by(), Some(seconds(3540)), "{report}");
    assert_eq!(seconds_of(&report.faults[0]), 0.0, "nobody has seen it");
    assert!(report.to_string().contains("its recovery began 3540.0s after the deadline"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn who_was_stopped_before_the_injection_does_not_begin_it() {
    let (world, report) = stopped_at("armed").await;
    assert_eq!(report.outcome(), Outcome::Failed, "{report}");
    assert_eq!(report.faults[0].injecting_at, None, "{report}");
    assert_eq!(crate::support::health(&world, &machine(1)).await, Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn who_holds_a_fault_and_does_not_act_loses_it_to_anybody() {
    let (world, journal) = (world(), MemoryJournal::new());
    let held = builder(&world, &journal).event(off(3600)).build().unwrap();
    let running = tokio::spawn(async move { held.run_once().await.unwrap() });
    crate::support::until_state(&journal, FaultState::Active).await;
    let at = |later: u64| {
        let clock = ManualClock::starting_at(clock().now() + seconds(later));
        builder(&world, &journal).clock(clock).build().unwrap()
    };
    let replayed = at(3600 + 300).recover_pending().await.unwrap().faults;
    assert_eq!(replayed, [], "its recovery may be under way");
    let replayed = at(3600 + 300 + 1).recover_pending().await.unwrap().faults;
    assert_eq!(replayed.len(), 1);
    assert_eq!(replayed[0].state, FaultState::Recovered);
    // The holder finds it well, and has nothing to add.
    let report = running.await.unwrap();
    assert!(report.is_recovered(), "{report}");
    assert_eq!(report.outcome(), Outcome::CutShort, "{report}");
}

// --- The property: a run is completed only if its own looks saw the whole hold. ---

/// The finding of a look, from one instant of the script until the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Found {
    InEffect,
    Over,
    Unseen,
}

/// One look of a recovery: when, and what it found.
type Seen = Arc<Mutex<Vec<(Duration, Found)>>>;

/// Keeps a target "faulty" as a script says, and remembers every look at it.
#[derive(Debug)]
struct Scripted(Hold);

#[derive(Debug, Serialize, Deserialize)]
struct Unscripted {
    #[serde(skip)]
    stage: Option<Stage>,
}

#[derive(Clone, Debug)]
struct Stage {
    clock: Arc<ManualClock>,
    /// The findings from these instants on, counted from the first look.
    script: Arc<Vec<(Duration, Found)>>,
    seen: Seen,
    recovered_at: Arc<Mutex<Option<Duration>>>,
}

#[async_trait]
impl ChaosEvent for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        self.0
    }

    async fn prepare(&self, _: &Scope) -> Result<Prepared> {
        let prepared = Prepared::new(Unscripted { stage: None }, |_| Box::pin(async { Ok(()) }));
        Ok(prepared.requesting("seconds", self.0.duration().as_secs_f64()))
    }
}

#[async_trait]
impl Recovery for Unscripted {
    const KIND: &'static str = "tests/unscripted/1";

    async fn recover(&self, _: &RecoveryScope, _: &Permit) -> Result<()> {
        let stage = self.stage.as_ref().unwrap();
        stage.recovered_at.lock().unwrap().get_or_insert(stage.clock.monotonic());
        Ok(())
    }

    async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> {
        let stage = self.stage.as_ref().unwrap();
        let now = stage.clock.monotonic();
        if stage.recovered_at.lock().unwrap().is_some() {
            return Ok(Verdict::Back);
        }
        let found =
            stage.script.iter().rfind(|(from, _)| *from <= now).map_or(Found::InEffect, |(_, found)| *found);
        stage.seen.lock().unwrap().push((now, found));
        match found {
            Found::InEffect => Ok(Verdict::NotYet("it is in effect".to_owned())),
            Found::Over => Ok(Verdict::Back),
            Found::Unseen => Err(Error::new(ErrorKind::Unavailable, "nobody could look")),
        }
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        "wait".to_owned()
    }
}

fn found() -> impl Strategy<Value = Found> {
    prop_oneof![3 => Just(Found::InEffect), 2 => Just(Found::Over), 1 => Just(Found::Unseen)]
}

proptest! {
    #[test]
    fn no_run_is_completed_whose_looks_saw_less_than_the_hold(
        hold in 1_u64..400,
        script in proptest::collection::vec((0_u64..400_000, found()), 0..12),
    ) {
        let mut script: Vec<_> =
            script.into_iter().map(|(from, found)| (Duration::from_millis(from), found)).collect();
        script.sort_by_key(|(from, _)| *from);
        let (report, seen) = runtime().block_on(async {
            let clock = Arc::new(clock());
            let stage = Stage {
                clock: Arc::clone(&clock),
                script: Arc::new(script),
                seen: Seen::default(),
                recovered_at: Arc::default(),
            };
            let seen = Arc::clone(&stage.seen);
            let registry = Registry::default().register_with::<Unscripted>(move |mut recovery| {
                recovery.stage = Some(stage.clone());
                recovery
            });
            let monkey = Monkey::builder()
                .provider(world())
                .clock(clock)
                .event(Scripted(Hold::lasting(seconds(hold)).unwrap()))
                .unleash(MemoryJournal::new(), registry)
                .build()
                .unwrap();
            let report = monkey.run_once().await.unwrap();
            let seen = seen.lock().unwrap().clone();
            (report, seen)
        });
        let fault = &report.faults[0];
        let conclusive: Vec<_> = seen.iter().filter(|(_, found)| *found != Found::Unseen).collect();
        let last_in_effect = seen.iter().rfind(|(_, found)| *found == Found::InEffect).map(|(at, _)| *at);
        if report.outcome() == Outcome::Completed {
            prop_assert!(last_in_effect.is_some(), "no look saw it: {:?}\n{}", seen, report);
            let is_over = conclusive.last().is_some_and(|(at, found)| {
                *found == Found::Over && *at < seconds(hold)
            });
            prop_assert!(!is_over, "the last look saw it over: {:?}\n{}", seen, report);
        }
        if fault.cut_short == Some(CutShort::EndedEarly) {
            let longest = last_in_effect.unwrap().as_secs_f64();
            prop_assert!(seconds_of(fault) <= longest, "{} s, seen for {}: {}", seconds_of(fault), longest, report);
        }
    }
}
