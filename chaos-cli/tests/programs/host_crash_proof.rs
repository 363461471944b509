//! Crash proof of the host faults: whichever process is killed, and whenever, nothing is left 2 seconds after the
//! deadline. With a recovery, nothing is left at once. "Nothing" is measured: processes, free bytes, open deleted
//! files, network rules.

use std::{cell::Cell, path::PathBuf, rc::Rc, time::Duration};

use crate::support::{
    DRILL, FleetProgram, RECOVER, SplitMix, command, end, lacks_root, pending, run, text,
    traces::{Disk, Network, Place, Traces},
    within_limit,
};
use chaos_core::{
    Journal,
    clock::{Clock, SystemClock},
    fault::{FaultRecord, FaultState},
    journal::FaultQuery,
};
use chaos_journal::SqlJournal;
use jiff::Timestamp;
use tokio::process::Child;

/// The longest delay of the end of a fault that no program recovers.
const GRACE: Duration = Duration::from_secs(2);
/// The time limit for a recovery that ends a fault, and for a look to find that its holders are gone, on a machine that
/// is busy with ten others.
const SOON: Duration = Duration::from_secs(3);
/// Long enough that its end cannot be mistaken for a recovery.
const LONG: &str = "30s";
const SHORT: &str = "3s";

/// A fleet, one kind of fault, and the traces that it would leave behind.
struct Scene {
    fleet: FleetProgram,
    event: Vec<String>,
    place: Place,
    /// The number of drills so far. Each has a journal of its own, so none waits for the recovery of another.
    drills: Cell<u32>,
}

/// A drill that was killed, and its fault in the journal.
struct Killed<'a> {
    scene: &'a Scene,
    journal: PathBuf,
    after: String,
}

/// A recovery in progress: all traces of the fault are gone, and it makes sure of that for some seconds.
struct Recovering<'a> {
    killed: Killed<'a>,
    program: Child,
}

impl Scene {
    async fn set(event: &[&str], place: Place) -> Self {
        place.enter();
        let fleet = FleetProgram::start(3).await;
        Self {
            fleet,
            event: event.iter().map(|&word| word.to_owned()).collect(),
            place,
            drills: Cell::new(0),
        }
    }

    async fn cpu_burn(_: &str) -> Option<Self> {
        Some(Self::set(&["--event", "cpu-burn", "--load", "20", "--cores", "1"], Place::Machine).await)
    }

    async fn disk_fill(test: &str) -> Option<Self> {
        if lacks_root(&format!("disk_fill::{test}")) {
            return None;
        }
        let disk = Disk::make();
        let path = disk.mount_point();
        let event = ["--event", "disk-fill", "--path", text(&path), "--bytes", "40MiB"];
        Some(Self::set(&event, Place::Disk(Rc::new(disk))).await)
    }

    async fn network_blackhole(test: &str) -> Option<Self> {
        if lacks_root(&format!("network_blackhole::{test}")) {
            return None;
        }
        let network = Place::Network(Rc::new(Network::make(test)));
        // Of two drills at once, the second must still find a healthy target.
        let traffic: &[&str] = if test == "two_at_once" { &["--hosts", "127.9.9.9"] } else { &["--all"] };
        Some(Self::set(&[&["--event", "network-blackhole"], traffic].concat(), network).await)
    }

    /// Starts a drill that holds its fault for `duration`.
    fn drill(&self, duration: &str, more: &[&str]) -> (Child, PathBuf) {
        self.drills.set(self.drills.get() + 1);
        let journal = self.fleet.place(&format!("{}.journal", self.drills.get()));
        let event: Vec<&str> = self.event.iter().map(String::as_str).collect();
        let own = ["--journal", text(&journal), "--duration", duration];
        let arguments = self.fleet.attached(&[&event, &own[..], more].concat());
        (command(DRILL, arguments).spawn().unwrap(), journal)
    }

    /// A drill that has killed itself.
    async fn killed_at(&self, crash_at: &str, duration: &str) -> Killed<'_> {
        let (drill, journal) = self.drill(duration, &["--seed", "1", "--crash-at", crash_at]);
        let after = format!("{} killed {crash_at}", self.event[1]);
        let drill = end(drill).await;
        assert!(drill.was_killed(), "{after}: {drill:#?}");
        Killed { scene: self, journal, after }
    }

    async fn killed_at_every_state(self) {
        let mut recovering = Vec::new();
        for (crash_at, left, in_effect) in [
            ("before:armed", None, false),
            ("after:armed", Some(FaultState::Armed), false),
            ("before:injecting", Some(FaultState::Armed), false),
            ("after:injecting", Some(FaultState::Injecting), false),
            ("before:active", Some(FaultState::Injecting), true),
            ("after:active", Some(FaultState::Active), true),
            ("before:recovering", Some(FaultState::Active), true),
            ("after:recovering", Some(FaultState::Recovering), true),
            ("before:recovered", Some(FaultState::Recovering), false),
            ("after:recovered", None, false),
        ] {
            let is_held = matches!(crash_at, "after:injecting" | "before:active" | "after:active");
            for with_recovery in [true, false] {
                let duration = if with_recovery && is_held { LONG } else { SHORT };
                let killed = self.killed_at(crash_at, duration).await;
                let states: Vec<_> = pending(&killed.journal).await.iter().map(|fault| fault.state).collect();
                assert_eq!(states, Vec::from_iter(left), "{}", killed.after);
                if duration == LONG {
                    let traces = killed.traces().await;
                    assert_eq!(!traces.is_empty(), in_effect, "{}: {traces:?}", killed.after);
                }
                if !with_recovery {
                    killed.ends_by_itself().await;
                }
                recovering.push(killed.recovers().await);
            }
        }
        self.all_recovered(recovering).await;
        self.fleet.stop().await;
    }

    async fn killed_at_thirty_random_moments(self) {
        let mut random = SplitMix::drawn();
        let clock = SystemClock::default();
        let began = clock.now();
        let whole = end(self.drill(SHORT, &[]).0).await;
        assert!(whole.was_undisturbed(), "{whole:#?}");
        let span = clock.now().duration_since(began).unsigned_abs();
        let (mut in_effect, mut recovering) = (0, Vec::new());
        for number in 0..30 {
            let moment = span.mul_f64(random.next_unit());
            let after =
                format!("{} killed after {moment:?} of {span:?} ({})", self.event[1], random.origin());
            let (mut drill, journal) = self.drill(SHORT, &[]);
            clock.sleep(moment).await;
            let _ = drill.start_kill();
            let drill = end(drill).await;
            assert!(drill.was_killed() || drill.was_undisturbed(), "{after}: {drill:#?}");
            let killed = Killed { scene: &self, journal, after };
            in_effect += u32::from(!killed.traces().await.is_empty());
            if number % 2 == 0 {
                killed.ends_by_itself().await;
            }
            if killed.journal.exists() {
                recovering.push(killed.recovers().await);
            }
        }
        assert!(in_effect >= 5, "too few kills met a fault in effect: {in_effect}");
        self.all_recovered(recovering).await;
        self.fleet.stop().await;
    }

    /// Every process on the target that holds the fault is killed: the fault is gone with it, and the drill recovers.
    /// If a look had seen it in effect, it was over before its time; otherwise no look has seen an effect.
    async fn holders_killed(self) {
        // So long that the look in its middle comes after the kill, even on a busy machine.
        let (drill, journal) = self.drill("15s", &[]);
        let watched = Killed { scene: &self, journal, after: "holders killed".to_owned() };
        within_limit(async {
            while watched.faults().await.iter().all(|fault| fault.state != FaultState::Active) {
                SystemClock::default().sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        let holders = watched.traces().await.processes;
        assert!(!holders.is_empty());
        let killed_at = SystemClock::default().now();
        holders.iter().for_each(|&pid| crate::support::send(pid, rustix::process::Signal::KILL));
        watched.are_gone_within(SOON, killed_at).await;
        let drill = end(drill).await.with_code(5).json();
        assert!(drill["outcome"] == "cut-short" || drill["outcome"] == "no-effect", "{drill:#}");
        assert_eq!(drill["faults"][0]["state"], "recovered", "{drill:#}");
        self.fleet.stop().await;
    }

    /// Two drills hit the same target and are both killed: each fault ends alone.
    async fn two_at_once(self) {
        let (long, short) =
            (self.killed_at("after:active", LONG).await, self.killed_at("after:active", "5s").await);
        let (held, ended) = (long.faults().await.remove(0), short.faults().await.remove(0));
        assert_eq!(held.target, ended.target);
        assert!(self.place.is_held(&held) && self.place.is_held(&ended));
        let clock = SystemClock::default();
        while self.place.is_held(&ended) {
            let late = clock.now().duration_since(ended.deadline).as_secs_f64();
            assert!(late < GRACE.as_secs_f64(), "left {late} s after its deadline");
            clock.sleep(Duration::from_millis(20)).await;
        }
        assert!(self.place.is_held(&held), "its neighbour's end has ended it");
        run(RECOVER, ["--journal", text(&short.journal)]).await.with_code(0);
        assert!(self.place.is_held(&held), "its neighbour's recovery has ended it");
        let recovering = long.recovers().await;
        self.all_recovered([recovering]).await;
        self.fleet.stop().await;
    }

    /// Waits for the recoveries; then nothing is left, and the journals know.
    async fn all_recovered(&self, recovering: impl IntoIterator<Item = Recovering<'_>>) {
        for Recovering { killed, program } in recovering {
            let recovered = end(program).await;
            assert_eq!(recovered.status.code(), Some(0), "{}: {recovered:#?}", killed.after);
            let left = pending(&killed.journal).await;
            assert!(left.is_empty(), "{}: pending entries are left: {left:#?}", killed.after);
            let traces = killed.traces().await;
            assert!(traces.is_empty(), "{}: {traces:?}", killed.after);
        }
    }
}

impl<'a> Killed<'a> {
    /// A journal that no drill has created yet holds none.
    async fn faults(&self) -> Vec<FaultRecord> {
        match self.journal.exists() {
            true => {
                SqlJournal::open_existing(&self.journal)
                    .await
                    .unwrap()
                    .find(&FaultQuery::all())
                    .await
                    .unwrap()
                    .faults
            }
            false => Vec::new(),
        }
    }

    async fn traces(&self) -> Traces {
        self.scene.place.traces(&self.faults().await)
    }

    /// No program recovers: all traces of the fault go away by themselves soon after its deadline.
    async fn ends_by_itself(&self) {
        let deadline = self.faults().await.iter().map(|fault| fault.deadline).max();
        self.are_gone_within(GRACE, deadline.unwrap_or_else(|| SystemClock::default().now())).await;
    }

    async fn are_gone_within(&self, limit: Duration, since: Timestamp) {
        let clock = SystemClock::default();
        loop {
            let traces = self.traces().await;
            let late = clock.now().duration_since(since);
            if traces.is_empty() {
                return;
            }
            assert!(
                late.as_secs_f64() < limit.as_secs_f64(),
                "{}: left {late:#} after: {traces:?}",
                self.after
            );
            clock.sleep(Duration::from_millis(20)).await;
        }
    }

    /// A program recovers: all traces of the fault are gone at once.
    async fn recovers(self) -> Recovering<'a> {
        let program = command(RECOVER, ["--journal", text(&self.journal)]).spawn().unwrap();
        self.are_gone_within(SOON, SystemClock::default().now()).await;
        Recovering { killed: self, program }
    }
}

/// The same four proofs of each event.
macro_rules! crash_proof {
    ($event:ident) => {
        mod $event {
            use super::Scene;

            #[tokio::test]
            async fn killed_at_every_state() {
                if let Some(scene) = Scene::$event("killed_at_every_state").await {
                    scene.killed_at_every_state().await;
                }
            }

            #[tokio::test]
            async fn killed_at_thirty_random_moments() {
                if let Some(scene) = Scene::$event("killed_at_thirty_random_moments").await {
                    scene.killed_at_thirty_random_moments().await;
                }
            }

            #[tokio::test]
            async fn holders_killed() {
                if let Some(scene) = Scene::$event("holders_killed").await {
                    scene.holders_killed().await;
                }
            }

            #[tokio::test]
            async fn two_at_once() {
                if let Some(scene) = Scene::$event("two_at_once").await {
                    scene.two_at_once().await;
                }
            }
        }
    };
}

crash_proof!(cpu_burn);
crash_proof!(disk_fill);
crash_proof!(network_blackhole);
