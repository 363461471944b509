//! A network blackhole from outside, over machines in memory whose settings can be changed.

use std::{future::Future, sync::Arc, time::Duration};

use chaos_core::{
    BlastRadius, ErrorKind, MemoryJournal, Monkey, Outcome, Provider, Result, RunReport, TargetId,
    capability::{Change, SettingsSnapshot},
    clock::{Clock, SystemClock},
    fault::FaultState,
    testing::{ManualClock, MemoryProvider},
};
use chaos_events::{Allowed, BlackholeFromOutside, Direction, NetworkBlackhole, Protocol, RestoreSettings};
use chaos_testkit::{
    Subject, Timing, contract,
    faulty::{HalfDone, TargetCall, Times},
};

fn target() -> TargetId {
    "memory:web/machine-0".parse().unwrap()
}

fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 3).unwrap()
}

fn from_outside() -> BlackholeFromOutside {
    NetworkBlackhole::everything().from_outside().unwrap()
}

/// Whether the target is connected; only then can a snapshot be taken.
async fn snapshot(world: &MemoryProvider) -> Result<SettingsSnapshot> {
    let target = world.resolve(&target()).await?.expect("it is there");
    target.capabilities().settings()?.snapshot(&Change::Isolate).await
}

/// Injects it for a minute, and awaits `meanwhile` in the middle of that.
async fn inject(provider: impl Provider, meanwhile: impl Future<Output = ()>) -> RunReport {
    let monkey = Monkey::builder()
        .provider(provider)
        .blast_radius(BlastRadius::default().min_healthy(0))
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()
        .unwrap();
    let running = tokio::spawn(async move { monkey.inject(from_outside(), &target()).await.unwrap() });
    SystemClock::default().sleep(Duration::from_secs(30)).await;
    meanwhile.await;
    running.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_target_is_cut_off_by_its_settings_and_connected_again() {
    let world = world();
    let report = inject(world.clone(), async {
        let error = snapshot(&world).await.unwrap_err();
        assert!(
            error.kind() == ErrorKind::Conflict && error.to_string().contains("isolated already"),
            "{error}"
        );
    })
    .await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
    assert!(snapshot(&world).await.is_ok(), "it is connected again");
    let note = report.faults[0].note.as_ref().unwrap();
    assert!(note.contains("nothing but the recovery ends this"), "{note}");
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_is_lost_is_undone() {
    let world = world();
    let provider = HalfDone::targets(world.clone(), TargetCall::Apply, Times::first(1));
    let report = inject(provider, async {}).await;
    let fault = &report.faults[0];
    assert!(fault.state == FaultState::Recovered && fault.failure.is_some(), "{fault:?}");
    assert!(snapshot(&world).await.is_ok(), "it is connected again");
}

#[tokio::test(start_paused = true)]
async fn another_target_of_the_same_name_is_left_alone() {
    let world = world();
    let report = inject(world.clone(), async { world.make_anew(&target()).unwrap() }).await;
    let fault = &report.faults[0];
    assert_eq!(fault.state, FaultState::Recovered, "{fault:?}");
    assert!(fault.note.as_ref().unwrap().contains("another target has its name"), "{fault:?}");
}

#[tokio::test]
async fn what_only_a_script_can_do_is_refused_with_what_would_be_right() {
    let everything = NetworkBlackhole::everything;
    let port = Allowed::port(Protocol::Tcp, 9100).unwrap();
    for blackhole in [
        NetworkBlackhole::dns(),
        NetworkBlackhole::hosts(["10.0.0.1"]).unwrap(),
        NetworkBlackhole::ports(Protocol::Tcp, [443]).unwrap(),
        everything().direction(Direction::Ingress),
        everything().allow(port),
    ] {
        let error = blackhole.from_outside().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("leave out from_outside"), "{error}");
    }
    assert!(everything().allow_nothing().from_outside().is_ok());
}

#[tokio::test(start_paused = true)]
async fn it_keeps_its_contracts() {
    let clock = Arc::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
    let timing = Timing::new(clock);
    let subject = async || Ok(Subject::new(world(), target()));
    contract::event::check(&timing, from_outside(), chaos_events::registry(), subject).await.assert_kept();
    contract::recovery::check::<RestoreSettings>(&timing, from_outside(), subject).await.assert_kept();
}
