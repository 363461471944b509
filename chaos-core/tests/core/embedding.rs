//! The needs of programs that embed the library: boxes and arcs of every part, one event in two magnitudes, recoveries
//! with a client, capabilities of their own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::{builder, clock, registry, runtime};
use chaos_core::{
    Calendar, CapabilitySet, ChaosEvent, FaultId, Hold, Journal, MemoryJournal, Monkey, Observer, Outcome,
    Permit, Prepared, Provider, Recovery, RecoveryScope, Registry, Result, Scope, TargetId, Verdict,
    async_trait,
    calendar::Always,
    chance::Entropy,
    clock::Clock,
    observer::TracingObserver,
    testing::{CountingEntropy, MemoryProvider, PowerOff},
};
use serde::{Deserialize, Serialize};

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

/// A program's own API: the number of switches that are off.
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
        // The client of the preparation is not the client of the recovery.
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

    async fn recover(&self, _: &RecoveryScope, _: &Permit) -> Result<()> {
        self.client.as_ref().unwrap().0.store(0, Ordering::SeqCst);
        Ok(())
    }

    async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> {
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
        crate::support::until_state(&journal, chaos_core::fault::FaultState::Active).await;
    });
    assert_eq!(switches.0.load(Ordering::SeqCst), 1, "left behind");
    runtime().block_on(async {
        let replayed = monkey().recover_pending().await.unwrap().faults;
        assert_eq!(replayed.len(), 1);
        assert!(!replayed[0].state.is_pending(), "{replayed:?}");
    });
    assert_eq!(switches.0.load(Ordering::SeqCst), 0);
}
