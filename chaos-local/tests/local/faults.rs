//! Real faults, injected by a monkey.

use std::{io::BufReader, time::Duration};

use chaos_core::{
    Activity, BlastRadius, FaultState, Group, Health, Hold, MemoryJournal, Monkey, MonkeyBuilder, Observer,
    Outcome, Provider, Registry, RunReport,
    memory::{PowerOff, PowerOn},
};
use chaos_events::{Reboot, Terminate};
use chaos_local::Fleet;
use jiff::Timestamp;

use crate::support::{Mark, exists, hear, identities, parameter, role, say, state, until};

fn monkey(provider: impl Provider) -> MonkeyBuilder {
    let registry: Registry = chaos_events::registry().register::<PowerOn>();
    Monkey::builder()
        .provider(provider)
        .blast_radius(BlastRadius::default())
        .unleash(MemoryJournal::new(), registry)
}

fn power_off(milliseconds: u64) -> PowerOff {
    PowerOff::lasting(Hold::lasting(Duration::from_millis(milliseconds)).unwrap())
}

fn assert_recovered(report: &RunReport) {
    assert_eq!(report.outcome(), Outcome::Completed, "{report:#?}");
    assert_eq!(report.faults[0].state, FaultState::Recovered);
}

async fn look(fleet: &Fleet) -> Group {
    fleet.group(fleet.id()).await.unwrap()
}

#[tokio::test]
async fn a_terminated_replica_is_replaced_under_the_same_id() {
    let mark = Mark::new();
    let fleet = mark.sleepers(3).start().await.unwrap();
    let before = identities(&look(&fleet).await);
    let terminate = Terminate::default();
    let target = fleet.id().target("replica-1").unwrap();
    let report = monkey(fleet.clone()).build().unwrap().inject(terminate, &target).await.unwrap();
    assert_recovered(&report);
    let after = look(&fleet).await;
    assert_eq!(after.healthy(), 3);
    let after = identities(&after);
    assert!(!exists(before[1]));
    assert_eq!((after[0], after[2]), (before[0], before[2]));
    assert_ne!(after[1], before[1]);
    drop(fleet);
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn a_rebooted_replica_may_end_by_itself_and_comes_back() {
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let script = r#"trap 'touch "$OUT"; exit 0' TERM; while :; do sleep 0.01; done"#;
    let out = directory.path().join("said goodbye");
    let fleet =
        mark.on(Fleet::of("sh").args(["-c", script]).env("OUT", &out)).replicas(2).start().await.unwrap();
    let before = identities(&look(&fleet).await);
    let reboot = Reboot::default();
    let target = fleet.id().target("replica-0").unwrap();
    let report = monkey(fleet.clone()).build().unwrap().inject(reboot, &target).await.unwrap();
    assert_recovered(&report);
    assert!(out.exists());
    let after = look(&fleet).await;
    assert_eq!(after.healthy(), 2);
    assert_ne!(identities(&after)[0], before[0]);
    drop(fleet);
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn a_stopped_replica_runs_again_and_its_janitor_has_left() {
    // The directory makes the ids of these targets unlike all others of this machine.
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let fleet = mark.sleepers(2).state_directory(directory.path()).start().await.unwrap();
    let before = identities(&look(&fleet).await);
    let target = fleet.id().target("replica-0").unwrap();
    let monkey = monkey(fleet.clone()).build().unwrap();
    let running = monkey.inject(power_off(60_000), &target);
    tokio::pin!(running);
    tokio::select! {
        report = &mut running => panic!("it holds for a minute: {report:?}"),
        () = until("it is stopped", || state(before[0].pid()) == Some('T')) => {}
    }
    assert_eq!(look(&fleet).await.members[0].health, Health::Stopped);
    assert!(!janitors_of(target.as_str()).is_empty());
    monkey.halt("the test has seen enough").await.unwrap();
    let report = running.await.unwrap();
    assert_eq!(report.faults[0].state, FaultState::Recovered, "{report:#?}");
    let after = look(&fleet).await;
    assert_eq!((after.healthy(), identities(&after)), (2, before));
    until("the janitor has left", || janitors_of(target.as_str()).is_empty()).await;
    fleet.stop().await.unwrap();
    mark.assert_nothing_left().await;
}

/// Says the id of a fault when it is in effect.
#[derive(Debug)]
struct Telling;

impl Observer for Telling {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        if let Activity::Injected { fault, .. } = activity {
            say(&fault.to_string());
        }
    }
}

/// The janitors that have all of `text` as one argument. While one forks it is two.
fn janitors_of(text: &str) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.unwrap();
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let arguments = std::fs::read(entry.path().join("cmdline")).ok()?;
        let has =
            |wanted: &str| arguments.split(|byte| *byte == 0).any(|argument| argument == wanted.as_bytes());
        (has("chaos-janitor") && has(text)).then_some(pid)
    });
    pids.collect()
}

/// Nobody replays the journal, and the journal died with its process.
#[tokio::test]
async fn a_stop_ends_at_its_deadline_when_the_injector_is_killed() {
    let name = "faults::a_stop_ends_at_its_deadline_when_the_injector_is_killed";
    if role().as_deref() == Some("injector") {
        let fleet = Fleet::attach(parameter("STATE")).unwrap();
        let target = fleet.id().target("replica-1").unwrap();
        let monkey = monkey(fleet).observer(Telling).build().unwrap();
        let _ = monkey.inject(power_off(1500), &target).await.unwrap();
    }
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let fleet = mark.sleepers(2).state_directory(directory.path()).start().await.unwrap();
    let before = identities(&look(&fleet).await);
    let mut injector = mark.role(name, "injector", &[("STATE", directory.path().to_str().unwrap())]);
    let fault = hear(&mut BufReader::new(injector.0.stdout.take().unwrap()));
    injector.end();

    assert_eq!(state(before[1].pid()), Some('T'));
    assert_eq!(look(&fleet).await.members[1].health, Health::Stopped);
    assert!(!janitors_of(&fault).is_empty());
    until("the deadline has ended the stop", || state(before[1].pid()) != Some('T')).await;
    let after = look(&fleet).await;
    assert_eq!((after.healthy(), identities(&after)), (2, before));
    until("the janitor has left", || janitors_of(&fault).is_empty()).await;
    drop(fleet);
    mark.assert_nothing_left().await;
}
