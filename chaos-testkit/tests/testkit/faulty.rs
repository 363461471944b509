//! The wrappers break what they say, when they say it, and the monkey copes.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    Capability, CapabilitySet, ChaosEvent, Error, ErrorKind, Health, Hold, Journal, MemoryJournal, Monkey,
    Outcome, Permit, Provider, Registry, Result, RunReport, Target, TargetId, async_trait,
    capability::{Capabilities, Lifecycle, NetworkShare, Output, Script, Shell, Undo},
    clock::Clock,
    fault::{FaultRecord, FaultState},
    group::Labels,
    journal::FaultQuery,
    plan::Reason,
    provider::GroupFilter,
    testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
};
use chaos_testkit::faulty::{
    Altered, EventCall, Failing, HalfDone, JournalCall, Panicking, ProviderCall, Slow, TargetCall, Times,
};
use futures_util::TryStreamExt;

fn clock() -> ManualClock {
    ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap())
}

fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 4).unwrap()
}

async fn run(provider: impl Provider, event: impl ChaosEvent, journal: impl Journal) -> RunReport {
    Monkey::builder()
        .provider(provider)
        .event(event)
        .clock(clock())
        .seed(1)
        .unleash(journal, Registry::default().register::<PowerOn>())
        .build()
        .unwrap()
        .run_once()
        .await
        .unwrap()
}

/// Whatever broke, every machine runs and nothing is pending.
async fn assert_whole(world: &MemoryProvider, journal: &MemoryJournal, report: &RunReport) {
    let group = world.group(&"memory:web".parse().unwrap()).await.unwrap();
    assert_eq!(group.healthy(), 4, "{report}");
    assert_eq!(journal.pending().await.unwrap().faults, [], "{report}");
}

fn failure_kind(fault: &FaultRecord) -> ErrorKind {
    fault.failure.as_ref().unwrap().kind
}

#[tokio::test(start_paused = true)]
async fn an_event_that_breaks_is_recovered_or_never_injected() {
    let (world, journal) = (world(), MemoryJournal::new());
    let each = Times::ALWAYS;

    for report in [
        run(world.clone(), Failing::event(PowerOff::default(), EventCall::Prepare, each), journal.clone())
            .await,
        run(world.clone(), Panicking::event(PowerOff::default(), EventCall::Prepare, each), journal.clone())
            .await,
    ] {
        assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
        assert!(matches!(report.skipped[0].reason, Reason::Doubt { .. }), "{report}");
        assert_whole(&world, &journal, &report).await;
    }

    for (report, kind) in [
        (
            run(
                world.clone(),
                Failing::event(PowerOff::default(), EventCall::Injection, each),
                journal.clone(),
            )
            .await,
            ErrorKind::Unavailable,
        ),
        (
            run(
                world.clone(),
                Panicking::event(PowerOff::default(), EventCall::Injection, each),
                journal.clone(),
            )
            .await,
            ErrorKind::Panicked,
        ),
        (run(world.clone(), HalfDone::event(PowerOff::default()), journal.clone()).await, ErrorKind::Timeout),
        (
            run(world.clone(), HalfDone::cut_off(PowerOff::default()), journal.clone()).await,
            ErrorKind::Timeout,
        ),
    ] {
        assert_eq!(report.outcome(), Outcome::Failed, "{report}");
        assert_eq!(report.faults[0].state, FaultState::Recovered, "{report}");
        assert_eq!(failure_kind(&report.faults[0]), kind, "{report}");
        assert_whole(&world, &journal, &report).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_slow_is_given_up_at_its_deadline() {
    let (world, journal) = (world(), MemoryJournal::new());
    let event = PowerOff::lasting(Hold::lasting(Duration::from_secs(60)).unwrap());
    let report =
        run(world.clone(), Slow::event(event, clock(), Duration::from_secs(70)), journal.clone()).await;
    assert_eq!(failure_kind(&report.faults[0]), ErrorKind::Timeout, "{report}");
    assert_whole(&world, &journal, &report).await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_breaks_is_a_doubt() {
    let (world, journal) = (world(), MemoryJournal::new());
    let event = PowerOff::default;
    for report in [
        run(Failing::provider(world.clone(), ProviderCall::Groups, Times::ALWAYS), event(), journal.clone())
            .await,
        run(HalfDone::provider(world.clone(), ProviderCall::Groups, Times::ALWAYS), event(), journal.clone())
            .await,
        run(
            Panicking::provider(world.clone(), ProviderCall::Groups, Times::ALWAYS),
            event(),
            journal.clone(),
        )
        .await,
        run(Slow::provider(world.clone(), clock(), Duration::from_secs(301)), event(), journal.clone()).await,
    ] {
        assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
        assert_eq!(report.plan.doubts.len(), 1, "{report}");
        assert_whole(&world, &journal, &report).await;
    }
    let half_read = HalfDone::provider(world.clone(), ProviderCall::Groups, Times::ALWAYS);
    let filter = GroupFilter::all();
    let read: Result<Vec<_>> = half_read.groups(&filter).try_collect().await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_breaks_is_recovered_as_soon_as_it_can_be() {
    let world = world();
    for call in [TargetCall::Stop, TargetCall::Start] {
        for times in [Times::first(1), Times::first(2)] {
            let broken: [Arc<dyn Provider>; 3] = [
                Arc::new(Failing::targets(world.clone(), call, times)),
                Arc::new(HalfDone::targets(world.clone(), call, times)),
                Arc::new(Panicking::targets(world.clone(), call, times)),
            ];
            for provider in broken {
                let journal = MemoryJournal::new();
                let report = run(provider, PowerOff::default(), journal.clone()).await;
                assert_eq!(report.faults[0].state, FaultState::Recovered, "{call:?}: {report}");
                let is_injected = report.faults[0].failure.is_none();
                assert_eq!(is_injected, call == TargetCall::Start, "{call:?}: {report}");
                assert_whole(&world, &journal, &report).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_is_denied_is_refused_before_the_injection_and_in_a_plan() {
    for (kind, why) in [
        (ErrorKind::Denied, "this program would not be permitted to bring the target back"),
        (ErrorKind::Unavailable, "could not be determined whether this program may bring the target back"),
    ] {
        let (world, journal) = (world(), MemoryJournal::new());
        let denying = |times| Failing::targets_with(world.clone(), TargetCall::MayUndo, times, kind);

        let report = run(denying(Times::ALWAYS), PowerOff::default(), journal.clone()).await;
        assert!(report.faults.is_empty(), "{report}");
        assert!(report.why_nothing().join("; ").contains(why), "{report}");
        assert!(matches!(report.skipped[0].reason, Reason::Doubt { .. }), "{report}");
        assert_eq!(journal.find(&FaultQuery::all()).await.unwrap().faults, [], "it was not even armed");
        assert_whole(&world, &journal, &report).await;

        // A plan and a leashed run ask as well, although they do nothing.
        let leashed = || Monkey::builder().provider(denying(Times::ALWAYS)).event(PowerOff::default());
        let monkey = leashed().clock(clock()).seed(1).build().unwrap();
        for plan in [monkey.plan().await.unwrap(), monkey.run_once().await.unwrap().plan] {
            assert_eq!(plan.chosen().count(), 0, "{plan}");
            assert!(plan.to_string().contains(why), "{plan}");
        }

        // The doubt passes: a target that may be brought back is hit.
        let report = run(denying(Times::first(0)), PowerOff::default(), journal.clone()).await;
        assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_whose_incarnation_cannot_be_told_is_left_alone_and_recovered_when_it_can() {
    let (world, journal) = (world(), MemoryJournal::new());
    let blind = |number| {
        let times = Times::nth(number);
        Failing::targets_with(world.clone(), TargetCall::Incarnation, times, ErrorKind::Denied)
    };
    // When the fault is prepared, and at the last look.
    for number in [1, 2] {
        let report = run(blind(number), PowerOff::default(), journal.clone()).await;
        assert!(report.faults.is_empty() && !report.skipped.is_empty(), "{report}");
    }
    let report = run(blind(4), PowerOff::default(), journal.clone()).await;
    assert_eq!(report.faults[0].state, FaultState::Recovered, "{report}");
    assert_whole(&world, &journal, &report).await;
}

/// A target that gives every optional answer.
#[derive(Debug)]
struct Telling(TargetId, Labels);

#[async_trait]
impl Target for Telling {
    fn id(&self) -> &TargetId {
        &self.0
    }

    fn labels(&self) -> &Labels {
        &self.1
    }

    fn capabilities(&self) -> Capabilities {
        let again = || Arc::new(Self(self.0.clone(), Labels::new()));
        Capabilities::default().with_lifecycle(again()).with_shell(again())
    }

    async fn health(&self) -> Result<Health> {
        Ok(Health::Unhealthy)
    }

    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        Ok(Some("4711.158125".into()))
    }

    async fn may_undo(&self, undo: &Undo) -> Result<()> {
        Err(Error::new(ErrorKind::Denied, format!("not within {:?}", undo.within)))
    }
}

#[async_trait]
impl Lifecycle for Telling {
    fn operations(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Start])
    }

    fn by_hand(&self, operation: Capability) -> Option<String> {
        Some(format!("do {operation}"))
    }
}

#[async_trait]
impl Shell for Telling {
    async fn run(&self, _: &Script, _: &Permit) -> Result<Output> {
        Err(Error::unsupported("a script"))
    }

    async fn inspect(&self, _: &Script) -> Result<Output> {
        Err(Error::unsupported("a script"))
    }

    async fn network(&self) -> Result<NetworkShare> {
        Ok(NetworkShare::Whole)
    }

    fn answers_within(&self) -> Duration {
        Duration::from_secs(40)
    }
}

#[tokio::test]
async fn what_is_not_broken_is_passed_on() {
    let telling = Altered::new(world())
        .targets(|target| Arc::new(Telling(target.id().clone(), Labels::new())) as Arc<dyn Target>);
    let sound = Failing::targets(telling, TargetCall::Health, Times::first(0));
    let target = sound.resolve(&"memory:web/machine-0".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(target.health().await.unwrap(), Health::Unhealthy);
    assert_eq!(target.incarnation().await.unwrap().as_deref(), Some("4711.158125"));
    let undo = Undo::new(CapabilitySet::default(), Duration::from_secs(7));
    assert!(target.may_undo(&undo).await.unwrap_err().to_string().contains("not within 7s"));
    let capabilities = target.capabilities();
    assert_eq!(capabilities.lifecycle().unwrap().by_hand(Capability::Start).as_deref(), Some("do start"));
    assert_eq!(capabilities.shell().unwrap().answers_within(), Duration::from_secs(40));
}

#[tokio::test(start_paused = true)]
async fn slow_targets_wait_before_each_call() {
    let clock = Arc::new(clock());
    let slow = Slow::targets(world(), clock.clone(), Duration::from_secs(5));
    let id: TargetId = "memory:web/machine-0".parse().unwrap();
    let target = slow.resolve(&id).await.unwrap().unwrap();
    let before = clock.now();
    assert_eq!(target.health().await.unwrap(), Health::Healthy);
    assert_eq!(clock.now().duration_since(before).as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_stops_injection_and_never_a_recovery() {
    let world = world();
    let breaking = async |call, times| {
        let journal = MemoryJournal::new();
        let failing = Failing::journal(journal.clone(), call, times);
        let report = run(world.clone(), PowerOff::default(), failing).await;
        assert_eq!(
            world.group(&"memory:web".parse().unwrap()).await.unwrap().healthy(),
            4,
            "{call:?}: {report}"
        );
        (report, journal)
    };

    let (report, journal) = breaking(JournalCall::Arm, Times::ALWAYS).await;
    assert!(report.faults.is_empty(), "{report}");
    assert_whole(&world, &journal, &report).await;

    let (report, journal) = breaking(JournalCall::Mark(FaultState::Injecting), Times::ALWAYS).await;
    assert_eq!(report.faults[0].injecting_at, None, "it was begun although that could not be recorded");
    assert_whole(&world, &journal, &report).await;

    let (report, journal) = breaking(JournalCall::Mark(FaultState::Active), Times::ALWAYS).await;
    assert_eq!(failure_kind(&report.faults[0]), ErrorKind::Journal, "{report}");
    assert_whole(&world, &journal, &report).await;

    let (report, journal) = breaking(JournalCall::Mark(FaultState::Recovered), Times::first(3)).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_whole(&world, &journal, &report).await;

    let (report, journal) = breaking(JournalCall::Mark(FaultState::Recovered), Times::ALWAYS).await;
    assert_eq!(report.outcome(), Outcome::Failed, "{report}");
    assert_eq!(
        journal.pending().await.unwrap().faults.len(),
        1,
        "a fault whose end is not recorded stays pending"
    );
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_loses_replies_panics_or_is_slow_leaves_no_machine_behind() {
    let world = world();
    let calls = [
        JournalCall::Arm,
        JournalCall::Mark(FaultState::Injecting),
        JournalCall::Mark(FaultState::Active),
        JournalCall::Mark(FaultState::Recovering),
        JournalCall::Mark(FaultState::Recovered),
    ];
    for call in calls {
        let journal = MemoryJournal::new();
        let forgetful = HalfDone::journal(journal.clone(), call, Times::nth(1));
        let report = run(world.clone(), PowerOff::default(), forgetful).await;
        // An armed fault that is not known to be armed is left to the next run.
        let mended = run(world.clone(), PowerOff::default(), journal.clone()).await;
        assert!(mended.is_recovered(), "{call:?}: {report}\n{mended}");
        assert_whole(&world, &journal, &mended).await;
    }
    let journal = MemoryJournal::new();
    let slow = Slow::journal(journal.clone(), clock(), Duration::from_secs(3));
    let report = run(world.clone(), PowerOff::default(), slow).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_whole(&world, &journal, &report).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "this call was made to panic: Halt")]
async fn a_journal_may_panic() {
    let journal = Panicking::journal(MemoryJournal::new(), JournalCall::Halt, Times::nth(2));
    assert_eq!(journal.halt().await.unwrap(), None);
    let _ = journal.halt().await;
}
