//! Times and words that SAFETY.md promises and no other test of the core looks at.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::{Fragile, Nothing, builder, clock, runtime};
use chaos_core::{
    CapabilitySet, ChaosEvent, FaultId, Health, Hold, MemoryJournal, Monkey, Outcome, Permit, Prepared,
    Recovery, RecoveryScope, Registry, Result, Scope, TargetId, Verdict, async_trait,
    clock::Clock,
    fault::FaultState,
    testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tracing::{Event, Level, Metadata, Subscriber, span};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 3).unwrap()
}

fn machine(number: usize) -> TargetId {
    format!("memory:web/machine-{number}").parse().unwrap()
}

/// A momentary event whose order is never answered.
#[derive(Debug)]
struct Unanswered;

#[async_trait]
impl ChaosEvent for Unanswered {
    fn name(&self) -> &'static str {
        "unanswered"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        Hold::MOMENTARY
    }

    async fn prepare(&self, _: &Scope) -> Result<Prepared> {
        Ok(Prepared::new(PowerOn::default(), |_| Box::pin(std::future::pending())))
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_and_is_over_has_a_minute_to_be_injected() {
    let monkey = builder(&world(), &MemoryJournal::new()).build().unwrap();
    let report = monkey.inject(Unanswered, &machine(1)).await.unwrap();
    let fault = &report.faults[0];
    assert_eq!(fault.deadline, fault.armed_at + seconds(60), "{report}");
    assert_eq!(fault.recovering_at, Some(fault.deadline), "{report}");
    assert_eq!(fault.state, FaultState::Recovered, "{report}");
}

/// The time of the first attempt to recover.
type TriedAt = Arc<Mutex<Option<Duration>>>;

/// Every look hangs until the first attempt to recover, which records its time.
#[derive(Debug, Serialize, Deserialize)]
struct Unseen {
    #[serde(skip)]
    tried_at: Option<(Arc<ManualClock>, TriedAt)>,
}

#[async_trait]
impl Recovery for Unseen {
    const KIND: &'static str = "tests/unseen/1";

    async fn recover(&self, _: &RecoveryScope, _: &Permit) -> Result<()> {
        let (clock, tried_at) = self.tried_at.as_ref().unwrap();
        tried_at.lock().unwrap().get_or_insert(clock.monotonic());
        Ok(())
    }

    async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> {
        let (_, tried_at) = self.tried_at.as_ref().unwrap();
        if tried_at.lock().unwrap().is_none() {
            std::future::pending::<()>().await;
        }
        Ok(Verdict::Back)
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        "wait".to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_that_hangs_holds_the_first_attempt_up_by_5_seconds_at_most() {
    let (clock, tried_at) = (Arc::new(clock()), TriedAt::default());
    let began = clock.monotonic();
    let state = (Arc::clone(&clock), Arc::clone(&tried_at));
    let registry = Registry::default().register_with::<Unseen>(move |mut recovery| {
        recovery.tried_at = Some(state.clone());
        recovery
    });
    let monkey = Monkey::builder()
        .provider(world())
        .clock(clock)
        .event(Nothing(Hold::DEFAULT, || Unseen { tried_at: None }))
        .unleash(MemoryJournal::new(), registry)
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    let tried_at = tried_at.lock().unwrap().unwrap() - began;
    assert!(tried_at >= seconds(60) && tried_at <= seconds(65), "{tried_at:?}: {report}");
}

#[tokio::test(start_paused = true)]
async fn a_halt_of_another_monkey_ends_a_hold_within_2_seconds() {
    let (world, journal, clock) = (world(), MemoryJournal::new(), clock());
    let hour = PowerOff::lasting(Hold::lasting(seconds(3600)).unwrap());
    let holder = builder(&world, &journal).build().unwrap();
    let running = tokio::spawn(async move { holder.inject(hour, &machine(1)).await.unwrap() });
    clock.sleep(Duration::from_millis(700)).await;
    assert_eq!(crate::support::health(&world, &machine(1)).await, Health::Stopped);
    builder(&world, &journal).build().unwrap().halt("the pager rings").await.unwrap();
    clock.sleep(Duration::from_millis(2_001)).await;
    assert_eq!(crate::support::health(&world, &machine(1)).await, Health::Healthy);
    assert_eq!(running.await.unwrap().outcome(), Outcome::CutShort);
}

/// Counts events at error level.
#[derive(Debug, Default)]
struct Errors(Arc<AtomicUsize>);

impl Subscriber for Errors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn a_recovery_that_fails_is_an_event_at_error_level() {
    let errors = Errors::default();
    let seen = Arc::clone(&errors.0);
    tracing::subscriber::with_default(errors, || {
        runtime().block_on(async {
            let monkey =
                builder(&world(), &MemoryJournal::new()).recovery_budget(seconds(20)).build().unwrap();
            let report = monkey.inject(PowerOff::default(), &machine(1)).await.unwrap();
            assert_eq!((report.outcome(), seen.load(Ordering::SeqCst)), (Outcome::Completed, 0), "{report}");
            crate::support::break_recovery(true);
            let report = monkey.inject(Fragile::unrecoverable(), &machine(1)).await.unwrap();
            crate::support::break_recovery(false);
            assert_eq!(report.faults[0].state, FaultState::RecoveryFailed, "{report}");
            assert_eq!(seen.load(Ordering::SeqCst), 1, "{report}");
        });
    });
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_prolongs_a_cool_down_and_one_that_is_set_forward_shortens_it() {
    for (jump, after, outcome) in [
        (SignedDuration::ZERO, 3_601, Outcome::Completed),
        (SignedDuration::from_mins(-30), 3_601, Outcome::Skipped),
        (SignedDuration::from_mins(30), 1_801, Outcome::Completed),
        (SignedDuration::ZERO, 1_801, Outcome::Skipped),
    ] {
        let (world, clock) = (MemoryProvider::default().with_group("web", 2).unwrap(), Arc::new(clock()));
        let monkey = builder(&world, &MemoryJournal::new())
            .clock(Arc::clone(&clock))
            .cool_down(seconds(3_600))
            .build()
            .unwrap();
        let first = monkey.inject(PowerOff::default(), &machine(1)).await.unwrap();
        assert_eq!(first.outcome(), Outcome::Completed, "{first}");
        clock.jump(jump);
        clock.sleep(seconds(after)).await;
        let second = monkey.inject(PowerOff::default(), &machine(1)).await.unwrap();
        assert_eq!(second.outcome(), outcome, "{jump} and {after} s: {second}");
    }
}
