//! RunEngineExperiment over an engine in memory, with time that the test drives.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    BlastRadius, Health, Journal, MemoryJournal, Monkey, MonkeyBuilder, Outcome, Provider, RunReport,
    TargetId,
    engine::{EngineExtent, EngineRunState},
    fault::FaultState,
    monkey::Skip,
    plan::Reason,
    testing::MemoryProvider,
};
use chaos_events::{RunEngineExperiment, StopEngineExperiment};
use chaos_testkit::{
    Subject, Timing, contract,
    faulty::{EventCall, Failing, Faulty, HalfDone, Panicking, TargetCall, Times},
};

use crate::support::{FREEZE, Lab, Trouble};

fn experiment() -> RunEngineExperiment {
    RunEngineExperiment::of(FREEZE.parse::<chaos_core::engine::EngineExperimentId>().unwrap())
}

fn six_minutes() -> RunEngineExperiment {
    experiment().lasting(Duration::from_secs(360)).unwrap()
}

fn target() -> TargetId {
    "memory:web/machine-0".parse().unwrap()
}

fn over(provider: impl Provider, lab: &Lab, journal: impl Journal) -> MonkeyBuilder {
    Monkey::builder()
        .provider(provider)
        .clock(Arc::clone(&lab.clock))
        .blast_radius(BlastRadius::default().min_healthy(0))
        .unleash(journal, chaos_events::registry())
}

async fn inject(lab: &Lab, event: RunEngineExperiment) -> RunReport {
    over(lab.clone(), lab, MemoryJournal::new()).build().unwrap().inject(event, &target()).await.unwrap()
}

/// The reason why the target was left alone. Nothing was started.
async fn refusal(lab: &Lab, event: RunEngineExperiment) -> String {
    let report = inject(lab, event).await;
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    assert!(lab.orders().is_empty(), "{:?}", lab.orders());
    match &report.skipped[..] {
        [Skip { reason: Reason::Doubt { failure, .. }, .. }] => failure.message.clone(),
        skipped => panic!("{skipped:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_held_and_then_stopped_and_undone() {
    let lab = Lab::of(3).lasting(Duration::from_secs(400)).defined(|definition| {
        definition.longest(Ok(Duration::from_secs(300))).left_behind(["drops its caches".to_owned()])
    });
    let report = inject(&lab, six_minutes()).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
    assert_eq!(lab.orders(), ["start", "stop run-0"]);
    assert_eq!(lab.states(), [EngineRunState::Stopped]);
    let fault = &report.faults[0];
    assert!(fault.time_to_recover().unwrap() >= Duration::from_secs(363), "it waits until it is undone");
    let note = fault.note.as_deref().unwrap();
    for part in [
        "lab:freeze hits at most 1 of the group; its engine chooses which, not necessarily this target",
        "its end does not undo that it drops its caches",
        "an alarm ends it early",
        "the run run-0 is stopped",
    ] {
        assert!(note.contains(part), "{part:?} is not in {note:?}");
    }
    assert_eq!(lab.world.group(&target().group()).await.unwrap().healthy(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_that_ends_by_itself_is_not_stopped() {
    let lab = Lab::of(3);
    let report = inject(&lab, six_minutes()).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
    assert_eq!(lab.orders(), ["start"]);
    assert!(report.faults[0].note.as_deref().unwrap().contains("the run run-0 is completed"), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_is_reported() {
    let lab = Lab::of(3).failing("no permission to stop", true);
    let report = inject(&lab, six_minutes()).await;
    assert!(report.is_recovered(), "{report:?}");
    let note = report.faults[0].note.as_deref().unwrap();
    assert!(note.contains("the run run-0 is failed: no permission to stop"), "{note}");

    let lab = Lab::of(3).failing("no target was found", false);
    let report = inject(&lab, six_minutes()).await;
    assert!(report.is_recovered(), "{report:?}");
    let failure = &report.faults[0].failure.as_ref().unwrap().message;
    assert!(
        failure.contains("did not start running") && failure.contains("no target was found"),
        "{failure}"
    );
    assert_eq!(lab.orders(), ["start"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_ends_in_a_stop_with_tags_and_without() {
    for lab in [Lab::of(3).losing_replies(), Lab::of(3).losing_replies().without_tags()] {
        let report = inject(&lab, six_minutes()).await;
        assert!(report.is_recovered(), "{report:?}");
        assert_eq!(lab.orders(), ["start", "stop run-0"]);
        assert_eq!(lab.states(), [EngineRunState::Stopped]);
    }
}

#[tokio::test(start_paused = true)]
async fn without_tags_the_runs_of_before_are_left_alone() {
    let lab = Lab::of(3).without_tags();
    lab.start_by_somebody_else();
    let busy = refusal(&lab, six_minutes()).await;
    assert!(busy.contains("already running") && busy.contains("started_by=\"somebody else\""), "{busy}");
    chaos_core::clock::Clock::sleep(&lab.clock, Duration::from_secs(400)).await;
    let report = inject(&lab, six_minutes()).await;
    assert!(report.is_recovered(), "{report:?}");
    let note = report.faults[0].note.as_deref().unwrap();
    assert!(note.contains("run-1") && !note.contains("run-0"), "{note}");
}

/// The engine cannot tell them apart, and a run of the fault must not continue.
#[tokio::test(start_paused = true)]
async fn without_tags_what_somebody_else_has_begun_since_is_taken_for_the_faults() {
    let lab = Lab::of(3).lasting_an_hour().without_tags();
    let never_sent = Faulty::new(six_minutes(), Trouble::hanging_at(EventCall::Injection));
    let monkey = over(lab.clone(), &lab, MemoryJournal::new()).build().unwrap();
    let target = target();
    let (report, ()) = tokio::join!(async { monkey.inject(never_sent, &target).await.unwrap() }, async {
        chaos_core::clock::Clock::sleep(&lab.clock, Duration::from_secs(5)).await;
        lab.start_by_somebody_else();
    });
    assert!(report.is_recovered(), "{report:?}");
    assert_eq!(lab.orders(), ["stop run-0"]);
    assert_eq!(lab.states(), [EngineRunState::Stopped]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_whose_reply_is_lost_is_no_trouble() {
    let lab = Lab::of(3).lasting_an_hour();
    let provider = HalfDone::targets(lab.clone(), TargetCall::StopRun, Times::first(1));
    let monkey = over(provider, &lab, MemoryJournal::new()).build().unwrap();
    let report = monkey.inject(six_minutes(), &target()).await.unwrap();
    assert!(report.is_recovered(), "{report:?}");
    assert_eq!(lab.states(), [EngineRunState::Stopped]);
}

#[tokio::test(start_paused = true)]
async fn whatever_call_breaks_nothing_is_left_running() {
    for call in [TargetCall::LookUp, TargetCall::StartRun, TargetCall::Runs, TargetCall::StopRun] {
        for times in [Times::first(1), Times::first(2), Times::nth(2), Times::nth(3)] {
            let lab = || Lab::of(3).lasting_an_hour();
            let (failing, half_done, panicking) = (lab(), lab(), lab());
            for (lab, provider) in [
                (&failing, Failing::targets(failing.clone(), call, times)),
                (&half_done, HalfDone::targets(half_done.clone(), call, times)),
                (&panicking, Panicking::targets(panicking.clone(), call, times)),
            ] {
                let journal = MemoryJournal::new();
                let monkey = over(provider, lab, journal.clone()).build().unwrap();
                let report = monkey.inject(six_minutes(), &target()).await.unwrap();
                let is_skipped = report.outcome() == Outcome::Skipped;
                assert!(is_skipped || report.is_recovered(), "{call:?} {times:?}: {report:?}");
                assert!(!is_skipped || lab.orders().is_empty(), "{call:?} {times:?}: {report:?}");
                assert!(lab.states().iter().all(|state| state.has_ended()), "{call:?} {times:?}: {report:?}");
                assert_eq!(journal.pending().await.unwrap().faults, [], "{call:?} {times:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_started_that_could_outlive_the_fault() {
    let lab = Lab::of(3);
    let short = refusal(&lab, experiment().lasting(Duration::from_secs(359)).unwrap()).await;
    assert!(short.starts_with("invalid duration: 359s; expected at least 360s: "), "{short}");
    assert!(short.contains("lab:freeze lasts up to 300s if it is not stopped"), "{short}");
    let endless = Lab::of(3).defined(|it| it.longest(Err("nobody has written it down".to_owned())));
    let unknown = refusal(&endless, six_minutes()).await;
    assert!(unknown.contains("is unknown") && unknown.contains("nobody has written it down"), "{unknown}");
    let long = Lab::of(3).defined(|it| it.longest(Ok(Duration::from_secs(12 * 3600))));
    let long = refusal(&long, experiment().lasting(Duration::from_secs(12 * 3600)).unwrap()).await;
    assert!(long.contains("longer than any fault may"), "{long}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_started_that_hits_more_than_was_allowed() {
    let two = Lab::of(3).defined(|it| it.extent(EngineExtent::Members(2)));
    let more = refusal(&two, six_minutes()).await;
    assert!(more.contains("allow_with=\"members(2)\""), "{more}");
    assert_eq!(inject(&two, six_minutes().members(2).unwrap()).await.outcome(), Outcome::Completed);

    let elsewhere = Lab::of(3).defined(|it| it.extent(EngineExtent::Beyond("it hits a database".to_owned())));
    let beyond = refusal(&elsewhere, six_minutes().members(9).unwrap()).await;
    assert!(beyond.contains("`beyond_the_group`") && beyond.contains("it hits a database"), "{beyond}");
    let report = inject(&elsewhere, six_minutes().beyond_the_group()).await;
    assert_eq!(report.outcome(), Outcome::Completed);
    assert!(
        report.faults[0]
            .note
            .as_deref()
            .unwrap()
            .contains("more than the target's group: it hits a database")
    );
    assert!(experiment().members(0).is_err());
}

#[tokio::test(start_paused = true)]
async fn what_leaves_something_behind_needs_a_group_that_gets_over_it() {
    let world = MemoryProvider::default().with_fixed_group("web", 3).unwrap();
    let lab = Lab::over(world).defined(|it| it.left_behind(["terminates instances".to_owned()]));
    let refused = refusal(&lab, six_minutes()).await;
    assert!(refused.contains("left_behind=\"terminates instances\""), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn an_experiment_that_nobody_knows_is_refused() {
    let unknown =
        RunEngineExperiment::of("lab:nobody".parse::<chaos_core::engine::EngineExperimentId>().unwrap());
    let refused = refusal(&Lab::of(3), unknown).await;
    assert!(refused.contains("no such experiment"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn two_faults_do_not_share_an_experiment() {
    let lab = Lab::of(4);
    let journal = MemoryJournal::new();
    let monkey = Arc::new(over(lab.clone(), &lab, journal.clone()).build().unwrap());
    let first = tokio::spawn({
        let monkey = Arc::clone(&monkey);
        async move { monkey.inject(six_minutes(), &target()).await.unwrap() }
    });
    while journal
        .pending()
        .await
        .unwrap()
        .faults
        .first()
        .is_none_or(|fault| fault.state != FaultState::Active)
    {
        chaos_core::clock::Clock::sleep(&lab.clock, Duration::from_secs(1)).await;
    }
    let other: TargetId = "memory:web/machine-1".parse().unwrap();
    let second = over(lab.clone(), &lab, MemoryJournal::new()).build().unwrap();
    let second = second.inject(six_minutes(), &other).await.unwrap();
    assert_eq!(second.outcome(), Outcome::Skipped, "{second}");
    let fault = journal.pending().await.unwrap().faults[0].id;
    assert!(format!("{second:?}").contains(&fault.to_string()), "it is said whose run it is: {second:?}");
    assert_eq!(first.await.unwrap().outcome(), Outcome::Completed);
    assert_eq!(lab.orders(), ["start"]);
    assert_eq!(lab.world.resolve(&target()).await.unwrap().unwrap().health().await.unwrap(), Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn it_keeps_its_contracts() {
    for manners in [Lab::unseen, Lab::without_tags, Lab::lasting_an_hour] {
        let clock = Arc::clone(&Lab::of(1).clock);
        let timing = Timing::new(Arc::clone(&clock)).settle(Duration::from_secs(60));
        let subject = async || {
            let mut lab = manners(Lab::of(5).lasting_an_hour());
            lab.clock = Arc::clone(&clock);
            Ok(Subject::new(lab, target()))
        };
        let registry = chaos_events::registry();
        contract::event::check(&timing, six_minutes(), registry, subject).await.assert_kept();
        contract::recovery::check::<StopEngineExperiment>(&timing, six_minutes(), subject)
            .await
            .assert_kept();
    }
}
