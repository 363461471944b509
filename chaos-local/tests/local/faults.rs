//! Real faults, injected by a monkey.

use std::{
    io::BufReader,
    sync::{Arc, Mutex},
    time::Duration,
};

use chaos_core::{
    BlastRadius, Capability, ChaosEvent, Group, Health, Hold, Journal, MemoryJournal, Monkey, MonkeyBuilder,
    Observer, Outcome, Provider, Registry, RunReport, async_trait,
    fault::{FaultRecord, FaultState, Milestone},
    observer::Activity,
    testing::{PowerOff, PowerOn},
};
use chaos_events::{CpuBurn, Reboot, Stop, Terminate};
use chaos_local::{Fleet, ProcessIdentity};
use chaos_testkit::faulty::{Altered, Call, Faulty, Interference, ProviderCall, TargetCall};
use jiff::Timestamp;
use rustix::process::Signal;

use crate::support::{
    Mark, exists, hear, identities, parameter, role, say, signal, state, until, until_group,
};

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

/// Halts a process as soon as a fault is injected.
#[derive(Debug)]
struct Halts(ProcessIdentity);

impl Observer for Halts {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        if matches!(activity, Activity::Injected { .. }) {
            signal(self.0, Signal::STOP);
        }
    }
}

#[tokio::test]
async fn a_rebooted_replica_is_back_whatever_becomes_of_the_others() {
    let mark = Mark::new();
    let fleet = mark.sleepers(3).start().await.unwrap();
    let other = identities(&look(&fleet).await)[2];
    let target = fleet.id().target("replica-1").unwrap();
    let monkey = monkey(fleet.clone()).observer(Halts(other)).build().unwrap();
    let report = monkey.inject(Reboot::default(), &target).await.unwrap();
    signal(other, Signal::CONT);
    assert_recovered(&report);
    drop((fleet, monkey));
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

#[tokio::test]
async fn one_command_continues_all_of_a_target_by_hand() {
    let mark = Mark::new();
    let fleet = mark.on(Fleet::of("sh").args(["-c", "sleep 600 & wait"])).start().await.unwrap();
    until("it has started its child", || mark.processes().len() == 2).await;
    let target = Arc::clone(&look(&fleet).await.members[0].target);
    let capabilities = target.capabilities();
    let lifecycle = capabilities.lifecycle().unwrap();
    assert_eq!(lifecycle.by_hand(Capability::Stop), None);
    let command = lifecycle.by_hand(Capability::Start).unwrap();
    let all: Vec<_> = mark.processes().into_iter().map(|pid| ProcessIdentity::of_pid(pid).unwrap()).collect();
    for process in &all {
        assert!(command.contains(&process.to_string()), "{process}: {command}");
        signal(*process, Signal::STOP);
    }
    until("all of it is stopped", || all.iter().all(|process| state(process.pid()) == Some('T'))).await;
    let status = std::process::Command::new("/bin/sh").args(["-c", &command]).status().unwrap();
    assert!(status.success(), "{command}");
    assert!(all.iter().all(|process| state(process.pid()) != Some('T')));
    drop(fleet);
    mark.assert_nothing_left().await;
}

/// Kills replica 0 while a fault holds it, waits for the one that takes its place, and ends the fault. Returns that
/// one, which must still be there at the end.
async fn replaced_in_the_hold(fleet: &Fleet, provider: impl Provider, event: impl ChaosEvent) -> FaultRecord {
    let before = identities(&look(fleet).await)[0];
    let target = fleet.id().target("replica-0").unwrap();
    let journal = MemoryJournal::new();
    let monkey = Monkey::builder()
        .provider(provider)
        .unleash(journal.clone(), chaos_events::registry())
        .build()
        .unwrap();
    let running = monkey.inject(event, &target);
    tokio::pin!(running);
    loop {
        let pending = journal.pending().await.unwrap().faults;
        if pending.first().is_some_and(|fault| fault.state == FaultState::Active) {
            break;
        }
        tokio::select! {
            report = &mut running => panic!("it holds for a minute: {report:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    signal(before, Signal::KILL);
    let is_replaced = |group: &Group| group.healthy() == 2 && identities(group)[0] != before;
    let replaced = identities(&until_group(fleet, fleet.id(), is_replaced).await);
    monkey.halt("the test has seen enough").await.unwrap();
    let report = running.await.unwrap();
    assert_eq!(identities(&look(fleet).await), replaced);
    report.faults[0].clone()
}

const ANOTHER: &str = "another target has its name now, and is left alone";

#[tokio::test]
async fn a_stopped_replica_that_was_replaced_is_gone_and_the_new_one_is_left_alone() {
    let mark = Mark::new();
    let fleet = mark.sleepers(2).start().await.unwrap();
    let orders = Arc::new(Noted::default());
    let watching = Arc::clone(&orders);
    let provider = Altered::new(fleet.clone())
        .targets(move |target| Arc::new(Faulty::new(target, Arc::clone(&watching))));
    let stop = Stop::lasting(Duration::from_secs(60)).unwrap();
    let fault = replaced_in_the_hold(&fleet, provider, stop).await;
    assert_eq!(fault.state, FaultState::Recovered, "{fault:#?}");
    let reached = |milestone| fault.milestones.iter().any(|reached| reached.milestone == milestone);
    assert!(reached(Milestone::Replaced), "{fault:#?}");
    assert!(fault.note.as_deref().is_some_and(|note| note.contains(ANOTHER)), "{fault:#?}");
    let orders = orders.0.lock().unwrap().clone();
    assert!(orders.contains(&TargetCall::Stop) && !orders.contains(&TargetCall::Start), "{orders:?}");
    drop(fleet);
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn what_a_script_left_is_reached_past_a_replica_that_was_replaced() {
    let mark = Mark::new();
    let fleet = mark.sleepers(2).start().await.unwrap();
    let beyond = Arc::new(Noted::default());
    let provider = Faulty::new(fleet.clone(), Arc::clone(&beyond));
    let burn = CpuBurn::load(1.0).unwrap().cores(1).unwrap().lasting(Duration::from_secs(60)).unwrap();
    let fault = replaced_in_the_hold(&fleet, provider, burn).await;
    assert_eq!(fault.state, FaultState::Recovered, "{fault:#?}");
    assert!(fault.note.as_deref().is_some_and(|note| note.contains(ANOTHER)), "{fault:#?}");
    assert!(beyond.0.lock().unwrap().contains(&ProviderCall::Remains));
    let id = fault.id.to_string();
    until("nothing of the burn is left", || {
        processes_with(|all| all.iter().any(|argument| argument.contains(&id))).is_empty()
    })
    .await;
    drop(fleet);
    mark.assert_nothing_left().await;
}

/// Every call, in order.
#[derive(Debug)]
struct Noted<C>(Mutex<Vec<C>>);

impl<C> Default for Noted<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[async_trait]
impl<C: Call> Interference<C> for Noted<C> {
    async fn before(&self, call: C) -> chaos_core::Result<()> {
        self.0.lock().unwrap().push(call);
        Ok(())
    }
}

/// Says the id of a fault when it is in effect.
#[derive(Debug)]
struct Telling;

impl Observer for Telling {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        if let Activity::Injected { fault, .. } = activity {
            say(&fault.id.to_string());
        }
    }
}

/// The janitors that have all of `text` as one argument. While one forks it is two.
fn janitors_of(text: &str) -> Vec<u32> {
    let has = |arguments: &[&str], wanted: &str| arguments.contains(&wanted);
    processes_with(|arguments| has(arguments, "chaos-janitor") && has(arguments, text))
}

fn processes_with(arguments: impl Fn(&[&str]) -> bool) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.unwrap();
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let line = String::from_utf8(std::fs::read(entry.path().join("cmdline")).ok()?).ok()?;
        arguments(&line.split('\0').collect::<Vec<_>>()).then_some(pid)
    });
    pids.collect()
}

/// No process replays the journal, which died with its process.
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
