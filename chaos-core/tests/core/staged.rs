//! Events that are over when their injection returns, however long that takes, and that record how far they came.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{builder, clock, until_state};
use chaos_core::{
    BlastRadius, CapabilitySet, ChaosEvent, ErrorKind, FaultId, Hold, Journal, MemoryJournal, Monkey,
    Outcome, Permit, Prepared, Recovery, RecoveryScope, Registry, Result, Scope, SteadyState, TargetId,
    Verdict, async_trait,
    clock::Clock,
    fault::CutShort,
    steady_state::{Phase, Probe, Reading},
    testing::{ManualClock, MemoryProvider},
};
use serde::{Deserialize, Serialize};

const STEP: Duration = Duration::from_secs(10);

/// Ten steps of ten seconds, each recorded before it begins.
#[derive(Debug)]
struct TenSteps {
    limit: Duration,
    is_counted: bool,
}

impl TenSteps {
    fn within(limit: u64) -> Self {
        Self { limit: Duration::from_secs(limit), is_counted: true }
    }
}

/// Yields the progress that a recovery has seen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Undo {
    #[serde(skip)]
    seen: Arc<Mutex<Vec<Option<u64>>>>,
}

#[async_trait]
impl ChaosEvent for TenSteps {
    fn name(&self) -> &'static str {
        "ten-steps"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        Hold::up_to(self.limit).unwrap()
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let clock = Arc::clone(scope.clock());
        let prepared = Prepared::new(Undo::default(), move |permit| {
            Box::pin(async move {
                for step in 1..=10 {
                    permit.record("steps", step).await?;
                    clock.sleep(STEP).await;
                }
                Ok(())
            })
        });
        Ok(if self.is_counted { prepared } else { prepared.uncounted() })
    }
}

#[async_trait]
impl Recovery for Undo {
    const KIND: &'static str = "tests/ten-steps/1";

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        let refused = permit.record("steps", 0).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Refused, "a recovery has no progress of its own");
        self.seen.lock().unwrap().push(scope.progress("steps").and_then(|steps| steps.as_u64()));
        Ok(())
    }

    async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> {
        Ok(match self.seen.lock().unwrap().is_empty() {
            true => Verdict::NotYet("it is not undone".to_owned()),
            false => Verdict::Back,
        })
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        "undo the steps".to_owned()
    }
}

fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 3).unwrap().with_group("db", 3).unwrap()
}

fn target() -> TargetId {
    "memory:web/machine-1".parse().unwrap()
}

/// A monkey, and what its recoveries see.
fn monkey(journal: &MemoryJournal, clock: &Arc<ManualClock>) -> (Monkey, Undo) {
    let undo = Undo::default();
    let seen = Arc::clone(&undo.seen);
    let registry = Registry::default().register_with::<Undo>(move |_| Undo { seen: Arc::clone(&seen) });
    let monkey = builder(&world(), journal).clock(Arc::clone(clock)).unleash(journal.clone(), registry);
    (monkey.build().unwrap(), undo)
}

fn seen(undo: &Undo) -> Vec<Option<u64>> {
    undo.seen.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn an_injection_may_take_until_its_limit_and_is_recovered_when_it_returns() {
    let (journal, clock) = (MemoryJournal::new(), Arc::new(clock()));
    let (monkey, undo) = monkey(&journal, &clock);
    let report = monkey.inject(TenSteps::within(3600), &target()).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(seen(&undo), [Some(10)]);
    let fault = &report.faults[0];
    assert_eq!(fault.progress["steps"], 10);
    let took = fault.recovering_at.unwrap().duration_since(fault.injecting_at.unwrap());
    assert_eq!(took.as_secs(), 100, "there is nothing to hold");
}

#[tokio::test(start_paused = true)]
async fn at_its_limit_the_steps_that_have_begun_are_recovered() {
    let (journal, clock) = (MemoryJournal::new(), Arc::new(clock()));
    let (monkey, undo) = monkey(&journal, &clock);
    let report = monkey.inject(TenSteps::within(35), &target()).await.unwrap();
    assert_eq!((report.outcome(), report.is_recovered()), (Outcome::Failed, true), "{report}");
    assert_eq!(report.faults[0].failure.as_ref().unwrap().kind, ErrorKind::Timeout);
    assert_eq!(seen(&undo), [Some(4)]);
}

#[tokio::test(start_paused = true)]
async fn a_later_process_reads_how_far_the_injection_came() {
    let (journal, clock) = (MemoryJournal::new(), Arc::new(clock()));
    let lost = journal.clone();
    let thread = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let clock = Arc::new(crate::support::clock());
            let (monkey, _) = monkey(&lost, &clock);
            tokio::spawn(async move { monkey.inject(TenSteps::within(3600), &target()).await });
            clock.sleep(STEP * 2 + STEP / 2).await;
        });
    });
    thread.join().unwrap();
    let (monkey, undo) = monkey(&journal, &clock);
    let recovered = monkey.recover_pending().await.unwrap();
    assert_eq!(recovered.faults.len(), 1);
    assert_eq!(seen(&undo), [Some(3)]);
}

#[tokio::test(start_paused = true)]
async fn an_injection_that_was_recovered_by_another_process_does_not_go_on() {
    let (journal, clock) = (MemoryJournal::new(), Arc::new(clock()));
    let (holder, _) = monkey(&journal, &clock);
    let running =
        tokio::spawn(async move { holder.inject(TenSteps::within(3600), &target()).await.unwrap() });
    until_state(&journal, chaos_core::fault::FaultState::Injecting).await;
    clock.sleep(STEP * 2 + STEP / 2).await;
    let (other, _) = monkey(&journal, &clock);
    other.take_over_pending().await.unwrap();
    let report = running.await.unwrap();
    assert_eq!(report.faults[0].failure.as_ref().unwrap().kind, ErrorKind::Conflict, "{report}");
    assert_eq!(report.faults[0].progress["steps"], 3, "no later step has begun");
    assert!(journal.pending().await.unwrap().faults.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_does_not_count_leaves_room_for_faults() {
    let (journal, clock) = (MemoryJournal::new(), Arc::new(clock()));
    let (monkey, _) = monkey(&journal, &clock);
    let holding = monkey.clone();
    let event = TenSteps { is_counted: false, ..TenSteps::within(3600) };
    let running = tokio::spawn(async move { holding.inject(event, &target()).await.unwrap() });
    until_state(&journal, chaos_core::fault::FaultState::Injecting).await;
    let inside = builder(&world(), &journal)
        .clock(Arc::clone(&clock))
        .event(chaos_core::testing::PowerOff::lasting(Hold::lasting(STEP).unwrap()))
        .blast_radius(BlastRadius::default().max_active(1))
        .build()
        .unwrap();
    let other = "memory:db/machine-2".parse().unwrap();
    let event = chaos_core::testing::PowerOff::lasting(Hold::lasting(STEP).unwrap());
    let report = inside.inject(event, &other).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(running.await.unwrap().outcome(), Outcome::Completed);
}

/// Not steady from a time of the clock on.
#[derive(Debug)]
struct SteadyUntil(Duration);

impl std::fmt::Display for SteadyUntil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the time")
    }
}

#[async_trait]
impl Probe for SteadyUntil {
    async fn look(&self, clock: &dyn Clock) -> Result<Reading> {
        Ok((clock.monotonic() < self.0).into())
    }
}

async fn watched(steady_for: u64) -> chaos_core::RunReport {
    let (journal, clock) = (MemoryJournal::new(), Arc::new(clock()));
    let steady = SteadyState::new("it is steady").probe_in(
        [Phase::During],
        "time",
        SteadyUntil(Duration::from_secs(steady_for)),
        true,
    );
    let registry = Registry::default().register::<Undo>();
    let monkey = builder(&world(), &journal)
        .clock(Arc::clone(&clock))
        .steady_state(steady)
        .unleash(journal.clone(), registry)
        .build()
        .unwrap();
    monkey.inject(TenSteps::within(3600), &target()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_violation_while_it_is_injected_cuts_it_short() {
    let report = watched(42).await;
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    let fault = &report.faults[0];
    assert_eq!(fault.cut_short, Some(CutShort::NotSteady));
    assert_eq!(fault.progress["steps"], 5);
    let took = fault.recovering_at.unwrap().duration_since(fault.injecting_at.unwrap());
    assert!((42..44).contains(&took.as_secs()), "{took}");
}

/// The looks count while it is injected, since that is when it is in effect.
#[tokio::test(start_paused = true)]
async fn it_is_in_effect_while_it_is_injected() {
    let report = watched(101).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    let steady = report.steady_state.as_ref().unwrap();
    assert!(steady.probes[0].during.met >= 99, "{:?}", steady.probes[0].during);
}
