//! What those need who build the library into something of their own: boxes and arcs of every part, one event in two magnitudes,
//! recoveries with a client, abilities of their own, and traces that follow the caller.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use chaos_core::{
    Always, Calendar, CapabilitySet, ChaosEvent, Clock, CountingEntropy, Entropy, FaultId, Hold, Journal,
    MemoryJournal, Monkey, Observer, Outcome, Permit, Prepared, Provider, Recovery, Registry, Result, Scope,
    TargetId, TracingObserver, Verdict, async_trait,
    memory::{MemoryProvider, PowerOff},
};
use serde::{Deserialize, Serialize};
use support::{builder, clock, registry, runtime};
use tracing::{
    Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 3).unwrap()
}

fn off(seconds: u64) -> PowerOff {
    PowerOff::lasting(Hold::lasting(Duration::from_secs(seconds)).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_monkey_may_be_made_of_boxes() {
    let monkey = Monkey::builder()
        .provider(Box::new(world()) as Box<dyn Provider>)
        .event(Box::new(off(60)) as Box<dyn ChaosEvent>)
        .calendar(Box::new(Always) as Box<dyn Calendar>)
        .clock(Box::new(clock()) as Box<dyn Clock>)
        .entropy(Box::new(CountingEntropy::starting_at(7)) as Box<dyn Entropy>)
        .observer(Box::new(TracingObserver::default()) as Box<dyn Observer>)
        .unleash(Box::new(MemoryJournal::new()) as Box<dyn Journal>, registry())
        .build()
        .unwrap();
    monkey.run_once().await.unwrap().ensure_completed().unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_event_may_be_drawn_in_two_magnitudes() {
    let mut drawn = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let monkey = builder(&world(), &MemoryJournal::new())
            .event(off(10))
            .event(off(20))
            .seed(seed)
            .build()
            .unwrap();
        let report = monkey.run_once().await.unwrap();
        report.ensure_completed().unwrap();
        drawn.insert(report.faults[0].requested.get("seconds").unwrap() as u64);
    }
    assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [10, 20]);
}

// --- A recovery with a client. ---

/// An API of one's own: how many switches are off.
#[derive(Debug, Default)]
struct Switches(AtomicUsize);

#[derive(Debug)]
struct SwitchOff(Arc<Switches>);

#[derive(Debug, Serialize, Deserialize)]
struct SwitchOn {
    #[serde(skip)]
    client: Option<Arc<Switches>>,
}

#[async_trait]
impl ChaosEvent for SwitchOff {
    fn name(&self) -> &'static str {
        "switch-off"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        Hold::DEFAULT
    }

    async fn prepare(&self, _: &Scope) -> Result<Prepared> {
        let client = Arc::clone(&self.0);
        // The client that it is prepared with is not the one that it recovers with.
        Ok(Prepared::new(SwitchOn { client: None }, move |_| {
            Box::pin(async move {
                client.0.store(1, Ordering::SeqCst);
                Ok(())
            })
        }))
    }
}

#[async_trait]
impl Recovery for SwitchOn {
    const KIND: &'static str = "tests/switch-on/1";

    async fn recover(&self, _: &Scope, _: &Permit) -> Result<()> {
        self.client.as_ref().unwrap().0.store(0, Ordering::SeqCst);
        Ok(())
    }

    async fn verify(&self, _: &Scope) -> Result<Verdict> {
        Ok(match self.client.as_ref().unwrap().0.load(Ordering::SeqCst) {
            0 => Verdict::Back,
            off => Verdict::NotYet(format!("{off} switches are off")),
        })
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        "switch it on".to_owned()
    }
}

#[test]
fn a_recovery_may_have_a_client_here_and_in_a_replay() {
    let switches = Arc::new(Switches::default());
    let client = Arc::clone(&switches);
    let registry = Registry::default().register_with::<SwitchOn>(move |mut recovery| {
        recovery.client = Some(Arc::clone(&client));
        recovery
    });
    let (world, journal) = (world(), MemoryJournal::new());
    let monkey = || {
        Monkey::builder()
            .provider(world.clone())
            .event(SwitchOff(Arc::clone(&switches)))
            .clock(clock())
            .unleash(journal.clone(), registry.clone())
            .build()
            .unwrap()
    };
    runtime().block_on(async {
        let report = monkey().run_once().await.unwrap();
        assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    });
    runtime().block_on(async {
        let monkey = monkey();
        tokio::spawn(async move { monkey.run_once().await });
        support::until_state(&journal, chaos_core::FaultState::Active).await;
    });
    assert_eq!(switches.0.load(Ordering::SeqCst), 1, "left behind");
    runtime().block_on(async {
        let replayed = monkey().recover_pending().await.unwrap().faults;
        assert_eq!(replayed.len(), 1);
        assert!(!replayed[0].state.is_pending(), "{replayed:?}");
    });
    assert_eq!(switches.0.load(Ordering::SeqCst), 0);
}

// --- Traces. ---

/// Remembers each span with the one that it is in; or panics whenever one is entered.
#[derive(Debug, Default)]
struct Spans {
    panics: bool,
    next: AtomicU64,
    /// Name of a span and of its parent.
    seen: Arc<Mutex<Vec<(String, String)>>>,
    names: Mutex<std::collections::BTreeMap<u64, String>>,
    entered: Mutex<Vec<u64>>,
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span()
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::SeqCst) + 1;
        let mut names = self.names.lock().unwrap();
        let parent = match span.parent() {
            Some(parent) => Some(parent.into_u64()),
            None => self.entered.lock().unwrap().last().copied(),
        };
        let parent = parent.and_then(|parent| names.get(&parent).cloned()).unwrap_or_default();
        let name = span.metadata().name().to_owned();
        self.seen.lock().unwrap().push((name.clone(), parent));
        names.insert(id, name);
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, span: &Id) {
        let is_fault = self.names.lock().unwrap().get(&span.into_u64()).is_some_and(|name| name == "fault");
        assert!(!(self.panics && is_fault), "a subscriber that panics");
        self.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut entered = self.entered.lock().unwrap();
        if let Some(position) = entered.iter().rposition(|id| *id == span.into_u64()) {
            entered.remove(position);
        }
    }
}

#[test]
fn a_span_for_the_run_and_one_for_the_fault_follow_the_callers() {
    let spans = Spans::default();
    let seen = Arc::clone(&spans.seen);
    tracing::subscriber::with_default(spans, || {
        runtime().block_on(async {
            use tracing::Instrument;
            let monkey = builder(&world(), &MemoryJournal::new()).event(off(60)).build().unwrap();
            let run = monkey.run_once().instrument(tracing::info_span!("my job"));
            run.await.unwrap().ensure_completed().unwrap();
        });
    });
    let of = |name: &str, parent: &str| (name.to_owned(), parent.to_owned());
    assert_eq!(*seen.lock().unwrap(), [of("my job", ""), of("run", "my job"), of("fault", "run")]);
}

#[test]
fn a_subscriber_that_panics_leaves_nothing_behind() {
    let (world, journal) = (world(), MemoryJournal::new());
    tracing::subscriber::with_default(Spans { panics: true, ..Spans::default() }, || {
        runtime().block_on(async {
            let monkey = builder(&world, &journal).event(off(60)).build().unwrap();
            let report = monkey.run_once().await.unwrap();
            assert_ne!(report.outcome(), Outcome::Completed, "{report}");
            assert!(report.is_recovered(), "{report}");
            // One that an earlier process has left is recovered all the same.
            drop(monkey);
        });
    });
    let (fault, target) = runtime().block_on(support::orphan(&world, &journal));
    tracing::subscriber::with_default(Spans { panics: true, ..Spans::default() }, || {
        runtime().block_on(async {
            let monkey = builder(&world, &journal).build().unwrap();
            let replayed = monkey.recover_pending().await.unwrap().faults;
            assert_eq!((replayed[0].id, replayed[0].state), (fault, chaos_core::FaultState::Recovered));
            assert_eq!(support::health(&world, &target).await, chaos_core::Health::Healthy);
        });
    });
}
