//! A fault while it holds.

use std::time::Duration;

use chaos_core::{
    ChaosEvent, FaultId, Journal, MemoryJournal, Monkey, Result, RunReport,
    fault::{FaultRecord, FaultState},
};
use tokio::task::JoinHandle;

use crate::host_faults::machine::{Machine, until};

/// A monkey that does not wait for what cannot be on its way here.
pub(crate) fn impatient(machine: &Machine, journal: MemoryJournal) -> Monkey {
    giving_up_after(Duration::from_secs(20), machine, journal)
}

fn giving_up_after(budget: Duration, machine: &Machine, journal: MemoryJournal) -> Monkey {
    Monkey::builder()
        .provider(machine.clone())
        .settle(Duration::from_millis(100))
        .recovery_budget(budget)
        .unleash(journal, chaos_events::registry())
        .build()
        .unwrap()
}

/// The notes of the fault, without the duration of its injection, because other tests run at the same time.
pub(crate) fn own_note(record: &FaultRecord) -> Option<String> {
    let notes = record.note.iter().flat_map(|note| note.split("; "));
    let own: Vec<_> =
        notes.filter(|note| !note.contains("went by before the injection had returned")).collect();
    (!own.is_empty()).then(|| own.join("; "))
}

#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) fault: FaultId,
    monkey: Monkey,
    journal: MemoryJournal,
    running: JoinHandle<Result<RunReport>>,
}

impl Held {
    /// An injection that has returned.
    pub(crate) async fn inject(machine: &Machine, event: impl ChaosEvent) -> Self {
        Self::begin(machine, event).await.holding().await
    }

    /// An injection that has returned, and whose recovery has little time: it will fail.
    pub(crate) async fn inject_for_good(machine: &Machine, event: impl ChaosEvent) -> Self {
        let journal = MemoryJournal::new();
        let monkey = giving_up_after(Duration::from_secs(5), machine, journal.clone());
        Self::begin_with(monkey, journal, machine, event).await.holding().await
    }

    async fn holding(self) -> Self {
        let held = self;
        until("the fault holds", Duration::from_secs(60), async || {
            assert!(!held.running.is_finished(), "it did not hold");
            held.record().await.is_some_and(|record| record.state == FaultState::Active)
        })
        .await;
        held
    }

    /// An injection that is about to begin.
    pub(crate) async fn begin(machine: &Machine, event: impl ChaosEvent) -> Self {
        let journal = MemoryJournal::new();
        let monkey = impatient(machine, journal.clone());
        Self::begin_with(monkey, journal, machine, event).await
    }

    async fn begin_with(
        monkey: Monkey,
        journal: MemoryJournal,
        machine: &Machine,
        event: impl ChaosEvent,
    ) -> Self {
        let (own, id) = (monkey.clone(), machine.id());
        let running = tokio::spawn(async move { own.inject(event, &id).await });
        let mut fault = None;
        until("the fault is armed", Duration::from_secs(60), async || {
            assert!(!running.is_finished(), "it was not even armed");
            fault = journal.pending().await.unwrap().faults.first().map(|record| record.id);
            fault.is_some()
        })
        .await;
        Self { fault: fault.unwrap(), monkey, journal, running }
    }

    /// Waits until the injection has returned, with or without an error.
    pub(crate) async fn injected_or_not(&self) {
        until("the injection returns", Duration::from_secs(60), async || {
            self.record().await.is_none_or(|record| record.state > FaultState::Injecting)
        })
        .await;
    }

    pub(crate) async fn record(&self) -> Option<FaultRecord> {
        self.journal.pending().await.unwrap().faults.pop()
    }

    pub(crate) fn table(&self) -> String {
        format!("chaos_{}", self.fault)
    }

    /// Recovers it now.
    pub(crate) async fn cut_short(self) -> FaultRecord {
        self.monkey.halt("the test has seen enough").await.unwrap();
        self.ended().await
    }

    /// Tries to recover it now, which fails; and the monkey that may try again.
    pub(crate) async fn not_recovered(self) -> (FaultRecord, Monkey) {
        self.monkey.halt("the test has seen enough").await.unwrap();
        let record = self.running.await.unwrap().unwrap().faults.remove(0);
        assert_eq!(record.state, FaultState::RecoveryFailed, "{record:?}");
        (record, self.monkey)
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(self) -> FaultRecord {
        let record = self.running.await.unwrap().unwrap().faults.remove(0);
        assert_eq!(record.state, FaultState::Recovered, "{record:?}");
        record
    }
}
