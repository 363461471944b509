//! Unreadable entries of a journal: they do not keep others from being recovered, count as pending, and are always
//! reported.

use crate::support::{clock, orphan, registry, runtime};
use chaos_core::{
    BlastRadius, ErrorKind, FaultId, Health, Journal, MemoryJournal, Monkey, Outcome, Quota, Result,
    TargetId, async_trait,
    error::Failure,
    fault::{FaultRecord, FaultState, Mark},
    journal::{
        Arming, DueNote, DueQuery, FaultQuery, Forget, Forgotten, Found, FoundDues, Halt, KeptSchedule,
        Lease, Limits, Unreadable,
    },
    plan::Percent,
    testing::{MemoryProvider, PowerOff},
};
use jiff::Timestamp;

/// A journal with entries that cannot be read.
#[derive(Debug)]
struct Damaged(MemoryJournal, Vec<Unreadable>);

impl Damaged {
    fn with(&self, found: Found) -> Found {
        found.unreadable(self.1.clone())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Journal for Damaged {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        self.0.arm(fault, limits).await
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        self.0.mark(fault, mark).await
    }

    async fn find(&self, query: &FaultQuery) -> Result<Found> {
        Ok(self.with(self.0.find(query).await?))
    }

    async fn pending(&self) -> Result<Found> {
        Ok(self.with(self.0.pending().await?))
    }

    async fn orphans(&self, now: Timestamp) -> Result<Found> {
        Ok(self.with(self.0.orphans(now).await?))
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
        self.0.set_halt(halt).await
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        self.0.halt().await
    }

    async fn note_due(&self, note: &DueNote) -> Result<()> {
        self.0.note_due(note).await
    }

    async fn dues(&self, query: &DueQuery) -> Result<FoundDues> {
        self.0.dues(query).await
    }

    async fn keep_schedule(&self, proposed: &KeptSchedule) -> Result<KeptSchedule> {
        self.0.keep_schedule(proposed).await
    }

    async fn forget(&self, forget: &Forget) -> Result<Forgotten> {
        self.0.forget(forget).await
    }
}

fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 4).unwrap().with_group("shop", 4).unwrap()
}

fn damaged(entry: &str, target: Option<&str>) -> Unreadable {
    let unreadable = Unreadable::new(entry, Failure::new(ErrorKind::Corrupt, "no JSON\nfault 0 recovered"));
    match target {
        Some(target) => unreadable.target(target.parse().unwrap()),
        None => unreadable,
    }
}

fn monkey(world: &MemoryProvider, journal: Damaged, blast_radius: BlastRadius) -> Monkey {
    Monkey::builder()
        .provider(world.clone())
        .event(PowerOff::default())
        .blast_radius(blast_radius)
        .clock(clock())
        .unleash(journal, registry())
        .build()
        .unwrap()
}

#[test]
fn one_entry_that_cannot_be_read_keeps_no_other_from_being_recovered() {
    let (world, journal) = (world(), MemoryJournal::new());
    let (fault, target) = runtime().block_on(orphan(&world, &journal));
    runtime().block_on(async {
        let journal = Damaged(journal, vec![damaged("00000000000000ff", None)]);
        let found = monkey(&world, journal, BlastRadius::default()).recover_pending().await.unwrap();
        assert_eq!((found.faults[0].id, found.faults[0].state), (fault, FaultState::Recovered));
        assert_eq!(found.unreadable.len(), 1);
        assert_eq!(crate::support::health(&world, &target).await, Health::Healthy);
    });
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_cannot_be_read_counts_as_a_fault_and_is_said() {
    let journal = Damaged(MemoryJournal::new(), vec![damaged("00000000000000ff", None)]);
    let report = monkey(&world(), journal, BlastRadius::default()).run_once().await.unwrap();
    assert_eq!(report.faults, [], "one fault at a time: {report}");
    assert_eq!(report.outcome(), Outcome::Failed, "{report}");
    assert!(!report.is_recovered());
    let said = r"the journal's entry 00000000000000ff cannot be read, and may be a fault: no JSON\nfault 0 recovered";
    assert!(report.to_string().contains(said), "{report}");
}

#[tokio::test(start_paused = true)]
async fn an_entry_of_a_known_target_is_a_fault_on_it_and_in_its_group_alone() {
    let blast_radius =
        || BlastRadius::default().targets_per_run(Quota::ALL).max_active(9).min_healthy(Percent(0));
    let known = damaged("00000000000000ff", Some("memory:web/machine-1"));
    let journal = Damaged(MemoryJournal::new(), vec![known]);
    let report = monkey(&world(), journal, blast_radius()).run_once().await.unwrap();
    let hit: Vec<TargetId> = report.faults.iter().map(|fault| fault.target.clone()).collect();
    assert_eq!(hit.len(), 1, "{report}");
    assert_eq!(hit[0].group().path(), "shop", "{report}");

    // An entry that may be in any group is counted in every group.
    let journal = Damaged(MemoryJournal::new(), vec![damaged("?", None)]);
    let report = monkey(&world(), journal, blast_radius()).run_once().await.unwrap();
    assert_eq!(report.faults, [], "{report}");
}
