//! Crash proof: whenever a drill is killed, its faults are undone.

use std::{collections::BTreeMap, path::Path, time::Duration};

use crate::support::{
    DRILL, FleetProgram, RECOVER, SplitMix, command, end, pending, process_state, run, text,
};
use chaos_core::{
    clock::{Clock, SystemClock},
    fault::{FaultRecord, FaultState},
};

const STOP: [&str; 4] = ["--event", "stop", "--duration", "700ms"];
const TERMINATE: [&str; 2] = ["--event", "terminate"];
const REBOOT: [&str; 2] = ["--event", "reboot"];

/// Runs `recover`, and checks that nothing is left of the drill's faults.
pub(crate) async fn recovers(fleet: &FleetProgram, journal: &Path, size: usize, after: &str) {
    let recovered = run(RECOVER, ["--journal", text(journal)]).await;
    assert_eq!(recovered.status.code(), Some(0), "{after}: {recovered:#?}");
    assert_eq!(fleet.stopped(), [0; 0], "{after}: stopped processes are left");
    let left = pending(journal).await;
    assert!(left.is_empty(), "{after}: pending entries are left: {left:#?}");
    assert_eq!(fleet.healthy().await, size, "{after}: {:?}", fleet.replicas());
}

/// Kills a drill at `crash_at`, and returns the faults that were pending then.
async fn killed_at(fleet: &FleetProgram, journal: &Path, event: &[&str], crash_at: &str) -> Vec<FaultRecord> {
    let arguments = [event, &["--journal", text(journal), "--crash-at", crash_at]].concat();
    let drill = run(DRILL, fleet.attached(&arguments)).await;
    assert!(drill.was_killed(), "{crash_at}: {drill:#?}");
    pending(journal).await
}

#[tokio::test]
async fn killed_at_every_state_of_a_fault() {
    const SIZE: usize = 5;
    let fleet = FleetProgram::start(SIZE).await;
    let journal = fleet.place("states.journal");
    for (crash_at, left) in [
        ("before:armed", None),
        ("after:armed", Some(FaultState::Armed)),
        ("before:injecting", Some(FaultState::Armed)),
        ("after:injecting", Some(FaultState::Injecting)),
        ("before:active", Some(FaultState::Injecting)),
        ("after:active", Some(FaultState::Active)),
        ("before:recovering", Some(FaultState::Active)),
        ("after:recovering", Some(FaultState::Recovering)),
        ("before:recovered", Some(FaultState::Recovering)),
        ("after:recovered", None),
    ] {
        for event in [&STOP[..], &TERMINATE, &REBOOT] {
            // In these states the replay waits some seconds to be sure. That is the same for every event.
            if left == Some(FaultState::Injecting) && event == REBOOT {
                continue;
            }
            let after = format!("{} killed {crash_at}", event[1]);
            let pending = killed_at(&fleet, &journal, event, crash_at).await;
            let states: Vec<_> = pending.iter().map(|fault| fault.state).collect();
            assert_eq!(states, Vec::from_iter(left), "{after}");
            recovers(&fleet, &journal, SIZE, &after).await;
        }
    }
    fleet.stop().await;
}

/// The one state that a sound fleet never shows: the fleet's own program is stopped, so it replaces no replica.
#[tokio::test]
async fn killed_after_the_recovery_has_failed() {
    let fleet = FleetProgram::start(5).await;
    let journal = fleet.place("failed.journal");
    fleet.signal(rustix::process::Signal::STOP);
    let event = [&TERMINATE[..], &["--recovery-budget", "500ms"]].concat();
    let left = killed_at(&fleet, &journal, &event, "after:recovery-failed").await;
    fleet.signal(rustix::process::Signal::CONT);
    assert_eq!(left[0].state, FaultState::RecoveryFailed);
    recovers(&fleet, &journal, 5, "killed after:recovery-failed").await;
    fleet.stop().await;
}

#[tokio::test]
async fn killed_at_sixty_random_moments() {
    const SIZE: usize = 10;
    let mut random = SplitMix::drawn();
    let clock = SystemClock::default();
    let fleet = FleetProgram::start(SIZE).await;
    let journal = fleet.place("random.journal");
    let events = [&STOP[..], &TERMINATE, &REBOOT];
    let mut spans = [Duration::MAX; 3];
    // The shorter of two, because a kill after the end proves nothing.
    for number in 0..6 {
        let arguments = [events[number % 3], &["--journal", text(&journal)]].concat();
        let began = clock.now();
        let drill = run(DRILL, fleet.attached(&arguments)).await;
        assert!(drill.has_recovered(), "{drill:#?}");
        let span = Duration::try_from(clock.now().duration_since(began)).unwrap();
        spans[number % 3] = spans[number % 3].min(span);
    }
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    for number in 0..60 {
        let (event, span) = (events[number % 3], spans[number % 3]);
        let moment = span.mul_f64(random.next_unit());
        let after =
            format!("kill {number}: {} killed after {moment:?} of {span:?} ({})", event[1], random.origin());
        let draw = random.next().to_string();
        let arguments = [event, &["--journal", text(&journal), "--seed", &draw]].concat();
        let mut drill = command(DRILL, fleet.attached(&arguments)).spawn().unwrap();
        clock.sleep(moment).await;
        let _ = drill.start_kill();
        let drill = end(drill).await;
        assert!(drill.was_killed() || drill.has_recovered(), "{after}: {drill:#?}");
        let state =
            pending(&journal).await.first().map_or("none".to_owned(), |fault| fault.state.to_string());
        // With the load of the machine, drills become slower and faster.
        spans[number % 3] = match (state.as_str(), drill.was_killed()) {
            ("none", true) => span.mul_f64(1.1),
            ("none", false) => span.mul_f64(0.8),
            _ => span,
        };
        *found.entry(state).or_default() += 1;
        recovers(&fleet, &journal, SIZE, &after).await;
    }
    println!("pending after the kills: {found:?}");
    let in_flight: u32 = found.iter().filter(|(state, _)| *state != "none").map(|(_, count)| count).sum();
    assert!(in_flight >= 10, "too few kills met a fault: {found:?}");
    fleet.stop().await;
}

/// No program recovers: the janitor that outlives the drill ends the stop at its deadline.
#[tokio::test]
async fn a_stop_ends_at_its_deadline_without_anybody() {
    let fleet = FleetProgram::start(5).await;
    let journal = fleet.place("deadline.journal");
    let event = ["--event", "stop", "--duration", "6s"];
    let left = killed_at(&fleet, &journal, &event, "after:active").await;
    let victim: u64 = left[0].target.name().strip_prefix("replica-").unwrap().parse().unwrap();
    assert_eq!(fleet.stopped(), [victim], "the hold is not over");
    let (_, pid, _) = fleet.replicas()[usize::try_from(victim).unwrap()];

    let clock = SystemClock::default();
    let late = || clock.now().duration_since(left[0].deadline).as_secs_f64();
    while process_state(pid.unwrap()) == Some('T') {
        assert!(late() < 5.0, "it is still stopped {} s after its deadline", late());
        clock.sleep(Duration::from_millis(5)).await;
    }
    assert!(late() > -0.1, "it ran again {} s before its deadline", -late());
    assert_eq!(fleet.replicas()[usize::try_from(victim).unwrap()].1, pid, "the same process runs on");
    assert_eq!(pending(&journal).await.len(), 1, "the journal still knows");
    recovers(&fleet, &journal, 5, "the deadline").await;
    fleet.stop().await;
}
