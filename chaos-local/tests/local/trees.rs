//! A target is a process and all that belong to it.

use std::{
    collections::BTreeSet, io::BufReader, os::unix::process::CommandExt, process::Command, time::Duration,
};

use chaos_core::{
    BlastRadius, Health, Hold, MemoryJournal, Monkey, MonkeyBuilder, Outcome, Provider, Registry,
    clock::{Clock, SystemClock},
    fault::FaultState,
    testing::{PowerOff, PowerOn},
};
use chaos_events::Terminate;
use chaos_local::{ProcessIdentity, Processes};
use rustix::process::Signal;

use crate::support::{Mark, Started, hear, parameter, role, say, signal, state, until};

fn monkey(provider: impl Provider) -> MonkeyBuilder {
    let registry: Registry = chaos_events::registry().register::<PowerOn>();
    Monkey::builder()
        .provider(provider)
        .blast_radius(BlastRadius::default().min_healthy(0))
        .unleash(MemoryJournal::new(), registry)
}

fn power_off(milliseconds: u64) -> PowerOff {
    PowerOff::lasting(Hold::lasting(Duration::from_millis(milliseconds)).unwrap())
}

/// Its process group is killed with it.
struct Tree(Started);

impl Tree {
    /// A shell, and what it starts.
    async fn of(mark: &Mark, script: &str, processes: usize) -> Self {
        let tree = Self(mark.start(Command::new("sh").args(["-c", script]).process_group(0)));
        until("all of it runs", || mark.processes().len() >= processes).await;
        tree
    }

    fn pid(&self) -> u32 {
        self.0.0.id()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Ok(None) = self.0.0.try_wait() {
            let group = rustix::process::Pid::from_raw(self.pid().cast_signed()).unwrap();
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }
}

fn states(mark: &Mark) -> BTreeSet<Option<char>> {
    mark.processes().into_iter().map(state).collect()
}

fn are_all_stopped(mark: &Mark) -> bool {
    states(mark) == BTreeSet::from([Some('T')])
}

fn is_any_stopped(mark: &Mark) -> bool {
    states(mark).contains(&Some('T'))
}

const WITH_CHILDREN: &str = "sleep 600 & (sleep 600; true) & setsid sleep 600 & sleep 600; true";
/// It starts a process every few milliseconds, each of which ends by itself.
const FORKING: &str = "while :; do sleep 0.3 & sleep 0.003; done";

#[tokio::test]
async fn all_of_a_tree_is_stopped_and_continued() {
    for (script, processes) in [("sleep 600; true", 2), (WITH_CHILDREN, 6), (FORKING, 5)] {
        let mark = Mark::new();
        let tree = Tree::of(&mark, script, processes).await;
        let processes = Processes::adopt("tree", [&tree.0.0]).unwrap();
        let group = processes.group(processes.id()).await.unwrap();
        let target = group.members[0].target.clone();
        let monkey = monkey(processes).build().unwrap();
        let running = monkey.inject(power_off(60_000), target.id());
        tokio::pin!(running);
        tokio::select! {
            report = &mut running => panic!("it holds for a minute: {report:#?}"),
            () = until("all of it is stopped", || are_all_stopped(&mark)) => {}
        }
        let stopped = mark.processes();
        tokio::select! {
            report = &mut running => panic!("it holds for a minute: {report:#?}"),
            () = async { SystemClock::default().sleep(Duration::from_millis(700)).await } => {}
        }
        // Nothing ran that could have started another.
        assert_eq!((mark.processes(), are_all_stopped(&mark)), (stopped, true), "{script}");
        assert_eq!(target.health().await.unwrap(), Health::Stopped);
        monkey.halt("the test has seen enough").await.unwrap();
        let report = running.await.unwrap();
        assert_eq!(report.faults[0].state, FaultState::Recovered, "{report:#?}");
        until("nothing of it is stopped", || !is_any_stopped(&mark)).await;
        assert_eq!(target.health().await.unwrap(), Health::Healthy);
        drop(tree);
        for left in mark.processes() {
            kill(left);
        }
        mark.assert_nothing_left().await;
    }
}

fn kill(pid: u32) {
    if let Ok(identity) = ProcessIdentity::of_pid(pid) {
        signal(identity, Signal::KILL);
    }
}

#[tokio::test]
async fn all_of_a_tree_is_terminated() {
    for (script, processes) in [("sleep 600; true", 2), (WITH_CHILDREN, 6), (FORKING, 5)] {
        let mark = Mark::new();
        let mut tree = Tree::of(&mark, script, processes).await;
        let processes = Processes::adopt("tree", [&tree.0.0]).unwrap();
        let group = processes.group(processes.id()).await.unwrap();
        let target = group.members[0].target.id().clone();
        let monkey = monkey(processes).build().unwrap();
        let report = monkey.inject(Terminate::default().even_without_replacement(), &target).await.unwrap();
        assert_eq!(report.outcome(), Outcome::Completed, "{report:#?}");
        assert_eq!(mark.processes(), BTreeSet::new(), "{script}");
        tree.0.0.wait().unwrap();
    }
}

/// A stop ends as a whole, and its target is not well before all of it is.
#[tokio::test]
async fn whoever_continues_one_continues_all_and_one_that_is_stopped_counts() {
    let mark = Mark::new();
    let tree = Tree::of(&mark, "sleep 600; true", 2).await;
    let processes = Processes::adopt("tree", [&tree.0.0]).unwrap();
    let group = processes.group(processes.id()).await.unwrap();
    let target = group.members[0].target.clone();
    let child = *mark.processes().iter().find(|pid| **pid != tree.pid()).unwrap();
    let child = ProcessIdentity::of_pid(child).unwrap();

    signal(child, Signal::STOP);
    until("it is stopped", || state(child.pid()) == Some('T')).await;
    assert_eq!(target.health().await.unwrap(), Health::Stopped);
    signal(child, Signal::CONT);
    assert_eq!(target.health().await.unwrap(), Health::Healthy);

    let monkey = monkey(processes).build().unwrap();
    let running = monkey.inject(power_off(60_000), target.id());
    tokio::pin!(running);
    tokio::select! {
        report = &mut running => panic!("it holds for a minute: {report:#?}"),
        () = until("all of it is stopped", || are_all_stopped(&mark)) => {}
    }
    tokio::select! {
        report = &mut running => panic!("it holds for a minute: {report:#?}"),
        () = async {
            // The janitor may not have said yet that it is done.
            SystemClock::default().sleep(Duration::from_millis(500)).await;
            signal(child, Signal::CONT);
            until("all of it runs", || !is_any_stopped(&mark)).await;
        } => {}
    }
    assert_eq!(target.health().await.unwrap(), Health::Healthy);
    monkey.halt("the test has seen enough").await.unwrap();
    let report = running.await.unwrap();
    assert_eq!(report.faults[0].state, FaultState::Recovered, "{report:#?}");
    drop(tree);
    mark.assert_nothing_left().await;
}

/// Ctrl-Z, or `docker pause` of its container alone.
#[tokio::test]
async fn a_stop_ends_at_its_deadline_when_the_injector_is_frozen() {
    let name = "trees::a_stop_ends_at_its_deadline_when_the_injector_is_frozen";
    if role().as_deref() == Some("injector") {
        let pid: u32 = parameter("VICTIM").parse().unwrap();
        let processes = Processes::adopt("tree", [pid]).unwrap();
        let group = processes.group(processes.id()).await.unwrap();
        let monkey = monkey(processes).build().unwrap();
        say("begins");
        let _ = monkey.inject(power_off(1500), group.members[0].target.id()).await;
        std::future::pending::<()>().await;
    }
    let mark = Mark::new();
    let other = Mark::new();
    for freeze_early in [false, true] {
        let tree = Tree::of(&mark, "sleep 600; true", 2).await;
        let mut injector = other.role(name, "injector", &[("VICTIM", &tree.pid().to_string())]);
        assert_eq!(hear(&mut BufReader::new(injector.0.stdout.take().unwrap())), "begins");
        let identity = ProcessIdentity::of_pid(injector.0.id()).unwrap();
        if freeze_early {
            until("one is stopped", || is_any_stopped(&mark)).await;
        } else {
            until("all of it is stopped", || are_all_stopped(&mark)).await;
        }
        signal(identity, Signal::STOP);
        until("the deadline has ended the stop", || !is_any_stopped(&mark)).await;
        assert_eq!(state(identity.pid()), Some('T'));
        injector.end();
        drop(tree);
        mark.assert_nothing_left().await;
    }
    other.assert_nothing_left().await;
}
