//! Terminate, Stop and Reboot over a world in memory, with time that the test drives.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chaos_core::{
    BlastRadius, CapabilitySet, ChaosEvent, FaultId, Group, Health, Hold, Journal, MemoryJournal, Monkey,
    MonkeyBuilder, Observer, Outcome, Prepared, Provider, Result, RunReport, Scope, TargetId, async_trait,
    clock::Clock,
    fault::{FaultRecord, FaultState, Mark},
    journal::{
        Arming, DueNote, DueQuery, FaultQuery, Forget, Forgotten, FoundDues, Halt, KeptSchedule, Lease,
        Limits,
    },
    observer::Activity,
    plan::{Decision, Reason},
    recovery::RecoveryRecord,
    testing::{ManualClock, MemoryProvider},
};
use chaos_events::{Reboot, Stop, Terminate};
use chaos_testkit::faulty::Altered;
use futures_util::FutureExt;
use jiff::Timestamp;

fn clock() -> ManualClock {
    ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap())
}

fn builder(world: &MemoryProvider, journal: impl Journal) -> MonkeyBuilder {
    Monkey::builder().provider(world.clone()).clock(clock()).unleash(journal, chaos_events::registry())
}

async fn inject(world: &MemoryProvider, event: impl ChaosEvent) -> RunReport {
    let target = "memory:web/machine-1".parse().unwrap();
    builder(world, MemoryJournal::new()).build().unwrap().inject(event, &target).await.unwrap()
}

async fn health(world: &MemoryProvider, id: &str) -> Health {
    match world.resolve(&id.parse().unwrap()).await.unwrap() {
        Some(target) => target.health().await.unwrap(),
        None => Health::Gone,
    }
}

#[tokio::test(start_paused = true)]
async fn terminate_waits_for_the_replacement_and_times_it() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let report = inject(&world, Terminate::default()).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(health(&world, "memory:web/machine-1").await, Health::Gone);
    assert_eq!(health(&world, "memory:web/machine-5").await, Health::Healthy);
    let fault = &report.faults[0];
    assert!(fault.time_to_detect().is_some() && fault.time_to_recover().is_some(), "{fault:?}");
    // There is no settling time: a late order does not terminate a target that is gone once more.
    assert_eq!(report.ended_at, report.began_at);
}

#[tokio::test(start_paused = true)]
async fn terminate_leaves_groups_alone_that_replace_nobody_unless_told_otherwise() {
    let world = MemoryProvider::default().with_fixed_group("web", 5).unwrap();
    let refused = inject(&world, Terminate::default()).await;
    assert_eq!(refused.outcome(), Outcome::Skipped);
    assert!(matches!(refused.plan.groups[0].reason, Some(Reason::Unsuitable { .. })), "{refused}");
    assert_eq!(health(&world, "memory:web/machine-1").await, Health::Healthy);

    let report = inject(&world, Terminate::default().even_without_replacement()).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert!(report.faults[0].note.as_deref().unwrap().contains("does not replace its members"));
    assert_eq!(health(&world, "memory:web/machine-1").await, Health::Gone);
}

/// A termination after which the replacement does not become healthy.
#[derive(Debug)]
struct SickReplacement(MemoryProvider);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChaosEvent for SickReplacement {
    fn name(&self) -> &'static str {
        "terminate"
    }

    fn requires(&self) -> CapabilitySet {
        Terminate::default().requires()
    }

    fn hold(&self) -> Hold {
        Hold::MOMENTARY
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        Terminate::default().suits(group)
    }

    fn caveat(&self, group: &Group) -> Option<String> {
        Terminate::default().caveat(group)
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let world = self.0.clone();
        Ok(Terminate::default().prepare(scope).await?.around(|inject| {
            Box::new(move |permit| {
                Box::pin(async move {
                    inject(permit).await?;
                    world.set_health(&"memory:web/machine-5".parse()?, Health::Unhealthy)
                })
            })
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_does_not_heal_is_a_failed_recovery_that_says_what_is_missing() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let journal = MemoryJournal::new();
    let monkey = builder(&world, journal.clone()).recovery_budget(Duration::from_secs(60)).build().unwrap();
    let target = "memory:web/machine-1".parse().unwrap();
    let report = monkey.inject(SickReplacement(world.clone()), &target).await.unwrap();
    let fault = &report.faults[0];
    assert_eq!(fault.state, FaultState::RecoveryFailed, "{report}");
    assert!(fault.failure.as_ref().unwrap().message.contains("4 of 5 members are healthy"), "{report}");
    assert!(fault.time_to_detect().is_some() && fault.time_to_recover().is_none());

    world.set_health(&"memory:web/machine-5".parse().unwrap(), Health::Healthy).unwrap();
    assert_eq!(monkey.recover_pending().await.unwrap().faults[0].state, FaultState::Recovered);
}

#[tokio::test(start_paused = true)]
async fn stop_holds_for_its_duration_and_reports_what_it_achieved() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let report = inject(&world, Stop::lasting(Duration::from_secs(30)).unwrap()).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    let fault = &report.faults[0];
    assert_eq!(fault.requested.get("seconds"), Some(30.0));
    assert_eq!(fault.achieved.get("seconds"), Some(30.0));
    assert_eq!(health(&world, "memory:web/machine-1").await, Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_target_that_vanishes_is_over_when_its_group_is_whole() {
    for (replaces, expected) in [(true, Health::Healthy), (false, Health::Gone)] {
        let world = MemoryProvider::default();
        let world =
            if replaces { world.with_group("web", 5) } else { world.with_fixed_group("web", 5) }.unwrap();
        let journal = MemoryJournal::new();
        let monkey = builder(&world, journal.clone()).build().unwrap();
        let target: TargetId = "memory:web/machine-1".parse().unwrap();
        let stopping = monkey.inject(Stop::default(), &target);
        let (report, ()) = tokio::join!(async { stopping.await.unwrap() }, async {
            while health(&world, "memory:web/machine-1").await != Health::Stopped {
                tokio::task::yield_now().await;
            }
            let other =
                builder(&world, MemoryJournal::new()).blast_radius(BlastRadius::default()).build().unwrap();
            // Somebody else ends the machine while it is stopped: the reaper of the platform, say.
            world.set_health(&target, Health::Healthy).unwrap();
            let gone = other.inject(Terminate::default().even_without_replacement(), &target).await.unwrap();
            assert_eq!(gone.outcome(), Outcome::Completed, "{gone}");
        });
        assert_eq!(report.outcome(), Outcome::CutShort, "{report}");
        assert!(report.is_recovered(), "{report}");
        assert_eq!(health(&world, "memory:web/machine-5").await, expected);
        assert_eq!(journal.pending().await.unwrap().faults, []);
    }
}

#[tokio::test(start_paused = true)]
async fn reboot_ends_with_the_target_healthy() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let report = inject(&world, Reboot::default()).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(health(&world, "memory:web/machine-1").await, Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn the_event_is_drawn_among_those_that_fit() {
    let world = MemoryProvider::default().with_fixed_group("web", 5).unwrap();
    let mut drawn = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let monkey = builder(&world, MemoryJournal::new())
            .event(Terminate::default())
            .event(Stop::default())
            .event(Reboot::default())
            .seed(seed)
            .build()
            .unwrap();
        let plan = monkey.plan().await.unwrap();
        for target in &plan.groups[0].targets {
            if let Decision::Chosen { event, .. } = &target.decision {
                drawn.insert(event.to_string());
            }
        }
    }
    assert_eq!(drawn.into_iter().collect::<Vec<_>>(), ["reboot", "stop"], "terminate suits no fixed group");
}

/// A journal in which a fault of the past lies in a given state.
async fn left_behind(fault: FaultState, injected: bool, recovery: &RecoveryRecord) -> MemoryJournal {
    let journal = MemoryJournal::new();
    let at = clock().now();
    let id: FaultId = "00000000000000ff".parse().unwrap();
    let target = "memory:web/machine-1".parse().unwrap();
    let record = FaultRecord::armed(
        id,
        1,
        target,
        "test",
        recovery.clone(),
        chaos_core::fault::Magnitude::default(),
        at,
        at,
    );
    let armed = journal.arm(&record, &Limits::none()).await.unwrap();
    assert!(matches!(armed, Arming::Armed(_)));
    let path: &[FaultState] = match (fault, injected) {
        (FaultState::Armed, _) => &[],
        (FaultState::Injecting, _) => &[FaultState::Injecting],
        (_, true) => &[FaultState::Injecting, FaultState::Active],
        (_, false) => &[FaultState::Injecting],
    };
    for state in path {
        journal.mark(id, &Mark::new(*state, at)).await.unwrap();
    }
    journal
}

/// The replay ends well for every state in which a process was killed, whether or not the injection took effect.
#[tokio::test(start_paused = true)]
async fn a_replay_is_right_from_every_state_whether_the_injection_ran_or_not() {
    for (kind, payload) in [
        ("chaos-events/await-replacement/1", r#"{"replaced":true,"healthy":5,"incarnation":null}"#),
        ("chaos-events/start-again/1", r#"{"replaced":true,"healthy":5,"from_the_beginning":false}"#),
    ] {
        let recovery = RecoveryRecord::new(kind, serde_json::from_str(payload).unwrap());
        for (state, ran) in [
            (FaultState::Armed, false),
            (FaultState::Injecting, false),
            (FaultState::Injecting, true),
            (FaultState::Active, true),
        ] {
            let world = MemoryProvider::default().with_group("web", 5).unwrap();
            let target: TargetId = "memory:web/machine-1".parse().unwrap();
            if ran && kind.contains("start-again") {
                world.set_health(&target, Health::Stopped).unwrap();
            } else if ran {
                let gone = inject(&world, Terminate::default()).await;
                assert_eq!(gone.outcome(), Outcome::Completed);
            }
            let journal = left_behind(state, ran, &recovery).await;
            let monkey = builder(&world, journal.clone()).build().unwrap();
            let replayed = monkey.recover_pending().await.unwrap().faults;
            assert_eq!(replayed[0].state, FaultState::Recovered, "{kind} {state} {ran}: {replayed:?}");
            assert_eq!(world.group(&target.group()).await.unwrap().healthy(), 5, "{kind} {state} {ran}");
            assert_eq!(
                journal.find(&FaultQuery::all()).await.unwrap().faults[0].state,
                FaultState::Recovered
            );
        }
    }
}

/// A reply was lost, and the termination takes effect a second after the recovery has begun. It must not be taken for
/// one that never happened.
#[tokio::test(start_paused = true)]
async fn a_lost_reply_that_takes_effect_late_is_not_missed() {
    let payload = r#"{"replaced":true,"healthy":5,"incarnation":null}"#;
    let recovery =
        RecoveryRecord::new("chaos-events/await-replacement/1", serde_json::from_str(payload).unwrap());
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let journal = left_behind(FaultState::Injecting, false, &recovery).await;
    let monkey = builder(&world, journal.clone()).build().unwrap();
    let clock = clock();
    let target: TargetId = "memory:web/machine-1".parse().unwrap();
    let (replayed, ()) = tokio::join!(async { monkey.recover_pending().await.unwrap().faults }, async {
        clock.sleep(Duration::from_secs(1)).await;
        world.set_health(&target, Health::Unhealthy).unwrap();
        clock.sleep(Duration::from_secs(60)).await;
        world.set_health(&target, Health::Healthy).unwrap();
    });
    assert_eq!(replayed[0].state, FaultState::Recovered);
    let took = replayed[0].time_to_recover().unwrap();
    assert!(
        took >= Duration::from_secs(61),
        "the fault was closed after {took:?}, while the target was still down"
    );
}

/// A journal that forwards everything and forgets how to write once, at one state.
#[derive(Debug)]
struct FailsAt(MemoryJournal, FaultState);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Journal for FailsAt {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        self.0.arm(fault, limits).await
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        if mark.state == self.1 {
            return Err(chaos_core::Error::new(chaos_core::ErrorKind::Journal, "the disk is full"));
        }
        self.0.mark(fault, mark).await
    }

    async fn find(&self, query: &FaultQuery) -> Result<chaos_core::journal::Found> {
        self.0.find(query).await
    }

    async fn pending(&self) -> Result<chaos_core::journal::Found> {
        self.0.pending().await
    }

    async fn orphans(&self, now: Timestamp) -> Result<chaos_core::journal::Found> {
        self.0.orphans(now).await
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

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_never_leaves_a_target_down_and_never_counts_as_a_success() {
    for state in [FaultState::Injecting, FaultState::Active, FaultState::Recovering, FaultState::Recovered] {
        let world = MemoryProvider::default().with_group("web", 5).unwrap();
        let journal = MemoryJournal::new();
        let target: TargetId = "memory:web/machine-1".parse().unwrap();
        let monkey = builder(&world, FailsAt(journal.clone(), state)).build().unwrap();
        let report = monkey.inject(Stop::default(), &target).await.unwrap();
        assert_eq!(health(&world, "memory:web/machine-1").await, Health::Healthy, "{state}");
        assert_eq!(report.outcome(), Outcome::Failed, "{state}: {report}");
        assert!(report.to_string().contains("the disk is full"), "{state}: {report}");

        let later = builder(&world, journal.clone()).build().unwrap();
        assert!(
            later
                .recover_pending()
                .await
                .unwrap()
                .faults
                .iter()
                .all(|fault| fault.state == FaultState::Recovered)
        );
        assert_eq!(journal.pending().await.unwrap().faults, [], "{state}");
    }
}

/// Reads a journal at the moment at which a fault is armed.
#[derive(Debug)]
struct AtArming(MemoryJournal, Arc<Mutex<Vec<FaultRecord>>>);

impl Observer for AtArming {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        if matches!(activity, Activity::Armed { .. }) {
            let pending = self.0.pending().now_or_never().unwrap().unwrap();
            self.1.lock().unwrap().extend(pending.faults);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_says_beforehand_where_it_may_end_in_a_replacement() {
    for replaces in [true, false] {
        let world = MemoryProvider::default().with_group("web", 5).unwrap();
        let provider = Altered::new(world).groups(move |group| group.replaces_stopped(replaces));
        let (journal, seen) = (MemoryJournal::new(), Arc::default());
        let monkey = Monkey::builder()
            .provider(provider)
            .clock(clock())
            .observer(AtArming(journal.clone(), Arc::clone(&seen)))
            .unleash(journal, chaos_events::registry())
            .build()
            .unwrap();
        let target = "memory:web/machine-1".parse().unwrap();
        let report = monkey.inject(Stop::default(), &target).await.unwrap();
        assert_eq!(report.outcome(), Outcome::Completed, "{report}");
        let armed = seen.lock().unwrap().remove(0);
        assert_eq!(armed.state, FaultState::Armed);
        let says = |fault: &FaultRecord| {
            let note = fault.note.clone().unwrap_or_default();
            note.matches("the replacement is the recovery, not the start").count()
        };
        assert_eq!((says(&armed), says(&report.faults[0])), (usize::from(replaces), usize::from(replaces)));
        let planned = report.plan.to_string();
        assert!(planned.starts_with("stop memory:web/machine-1"), "{planned}");
        let caveat = "\nstop in memory:web: the group considers a stopped member unhealthy: ";
        assert_eq!(planned.matches(caveat).count(), usize::from(replaces), "{planned}");
    }
}
