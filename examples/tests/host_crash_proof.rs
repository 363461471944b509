//! Crash proof of the host faults: whoever is killed, and whenever, nothing is left 2 seconds after the deadline; with a recovery,
//! nothing is left at once. "Nothing" is measured: processes, free bytes, open deleted files, network rules.

#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy takes only test functions for test code")]

mod support;

use std::{path::PathBuf, rc::Rc, time::Duration};

use chaos_core::{Clock, FaultQuery, FaultRecord, FaultState, Journal, SystemClock};
use chaos_journal::SqlJournal;
use support::{
    DRILL, FleetProgram, RECOVER, SplitMix, command, end, pending, run, text,
    traces::{Place, Traces},
};

/// How late the end of a fault may be that nobody recovers.
const GRACE: Duration = Duration::from_secs(2);
/// Long enough that nobody takes its end for a recovery.
const LONG: &str = "30s";
const SHORT: &str = "1500ms";

/// A fleet, a journal, one kind of fault, and what it would leave behind.
struct Scene {
    fleet: Rc<FleetProgram>,
    journal: PathBuf,
    event: Vec<String>,
    place: Place,
}

impl Scene {
    async fn set(event: &[&str], place: Place) -> Self {
        place.enter();
        let fleet = Rc::new(FleetProgram::start(3).await);
        let journal = fleet.place("host.journal");
        Self { fleet, journal, event: event.iter().map(|&word| word.to_owned()).collect(), place }
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let journal = ["--journal", text(&self.journal)];
        let event: Vec<&str> = self.event.iter().map(String::as_str).collect();
        self.fleet.attached(&[&event, &journal[..], more].concat())
    }

    /// Every fault that was ever in the journal. A journal that no drill has come to make holds none.
    async fn faults(&self) -> Vec<FaultRecord> {
        match self.journal.exists() {
            true => SqlJournal::open_existing(&self.journal)
                .await
                .unwrap()
                .find(&FaultQuery::all())
                .await
                .unwrap(),
            false => Vec::new(),
        }
    }

    async fn traces(&self) -> Traces {
        self.place.traces(&self.faults().await)
    }

    /// Nobody recovers: all that it left is gone by itself soon after its deadline. Says whether there was anything.
    async fn ends_by_itself(&self, after: &str) -> bool {
        let clock = SystemClock::default();
        let mut was_there = false;
        loop {
            let traces = self.traces().await;
            if traces.is_empty() {
                break;
            }
            was_there = true;
            let deadline = self.faults().await.iter().map(|fault| fault.deadline).max().unwrap();
            let late = clock.now().duration_since(deadline);
            assert!(
                late.as_secs_f64() < GRACE.as_secs_f64(),
                "{after}: left {late} after the deadline: {traces:?}"
            );
            clock.sleep(Duration::from_millis(20)).await;
        }
        was_there
    }

    /// Somebody recovers: all that it left is gone at once, and the journal knows.
    async fn recovers(&self, after: &str) {
        if !self.journal.exists() {
            return;
        }
        let recovered = run(RECOVER, ["--journal", text(&self.journal)]).await;
        assert_eq!(recovered.status.code(), Some(0), "{after}: {recovered:#?}");
        let traces = self.traces().await;
        assert!(traces.is_empty(), "{after}: left after the recovery: {traces:?}");
        let left = pending(&self.journal).await;
        assert!(left.is_empty(), "{after}: pending entries are left: {left:#?}");
    }

    async fn killed_at_every_state(self) {
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
            let is_held_out =
                left >= Some(FaultState::Recovering) || crash_at == "before:recovering" || left.is_none();
            for with_recovery in [true, false] {
                let duration = if with_recovery && !is_held_out { LONG } else { SHORT };
                let after = format!("{} killed {crash_at}", self.event[1]);
                let arguments = self.arguments(&["--crash-at", crash_at, "--duration", duration]);
                let drill = run(DRILL, arguments).await;
                assert!(drill.was_killed(), "{after}: {drill:#?}");
                let states: Vec<_> = pending(&self.journal).await.iter().map(|fault| fault.state).collect();
                assert_eq!(states, Vec::from_iter(left), "{after}");
                if duration == LONG {
                    let traces = self.traces().await;
                    assert_eq!(!traces.is_empty(), in_effect, "{after}: {traces:?}");
                }
                if !with_recovery {
                    self.ends_by_itself(&after).await;
                }
                self.recovers(&after).await;
            }
        }
        self.strike().await;
    }

    async fn killed_at_thirty_random_moments(self) {
        let mut random = SplitMix::drawn();
        let clock = SystemClock::default();
        let began = clock.now();
        run(DRILL, self.arguments(&["--duration", SHORT])).await.with_code(0);
        let span = clock.now().duration_since(began).unsigned_abs();
        let mut in_effect = 0;
        for number in 0..30 {
            let moment = span.mul_f64(random.next_unit());
            let after =
                format!("{} killed after {moment:?} of {span:?} ({})", self.event[1], random.origin());
            let mut drill = command(DRILL, self.arguments(&["--duration", SHORT])).spawn().unwrap();
            clock.sleep(moment).await;
            let _ = drill.start_kill();
            let drill = end(drill).await;
            assert!(drill.was_killed() || drill.status.code() == Some(0), "{after}: {drill:#?}");
            if number % 2 == 0 {
                in_effect += u32::from(!self.traces().await.is_empty());
            } else {
                in_effect += u32::from(self.ends_by_itself(&after).await);
            }
            self.recovers(&after).await;
        }
        assert!(in_effect >= 5, "too few kills met a fault in effect: {in_effect}");
        self.strike().await;
    }

    /// Every process on the target that holds the fault is killed: the fault is gone with it, and the drill recovers.
    async fn holders_killed(self) {
        let drill = command(DRILL, self.arguments(&["--duration", "4s"])).spawn().unwrap();
        support::within_limit(async {
            while self.faults().await.iter().all(|fault| fault.state != FaultState::Active) {
                SystemClock::default().sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        let holders = self.traces().await.processes;
        assert!(!holders.is_empty());
        holders.iter().for_each(|&pid| support::send(pid, rustix::process::Signal::KILL));
        let clock = SystemClock::default();
        let killed = clock.now();
        loop {
            let traces = self.traces().await;
            if traces.is_empty() {
                break;
            }
            let late = clock.now().duration_since(killed).as_secs_f64();
            assert!(late < 1.5, "left {late} s after every holder was killed: {traces:?}");
        }
        let drill = end(drill).await.with_code(0);
        assert_eq!(drill.json()["faults"][0]["state"], "recovered", "{drill:#?}");
        self.strike().await;
    }

    /// Two drills, each with a journal of its own, hit the same target and are both killed: each fault ends alone.
    async fn two_at_once(self) {
        let other = Self {
            fleet: Rc::clone(&self.fleet),
            journal: self.fleet.place("other.journal"),
            event: self.event.clone(),
            place: self.place.clone(),
        };
        for (scene, duration) in [(&self, LONG), (&other, SHORT)] {
            let more = ["--seed", "1", "--crash-at", "after:active", "--duration", duration];
            let drill = run(DRILL, scene.arguments(&more)).await;
            assert!(drill.was_killed(), "{drill:#?}");
        }
        let (long, short) = (self.faults().await, other.faults().await);
        assert_eq!(long[0].target, short[0].target);
        assert!(self.place.is_held(&long[0]) && self.place.is_held(&short[0]));
        // The shorter one ends and leaves the other in effect.
        let clock = SystemClock::default();
        while self.place.is_held(&short[0]) {
            let late = clock.now().duration_since(short[0].deadline).as_secs_f64();
            assert!(late < GRACE.as_secs_f64(), "left {late} s after its deadline");
            clock.sleep(Duration::from_millis(20)).await;
        }
        assert!(self.place.is_held(&long[0]), "its neighbour's end has ended it");
        assert_eq!(run(RECOVER, ["--journal", text(&other.journal)]).await.status.code(), Some(0));
        assert!(self.place.is_held(&long[0]), "its neighbour's recovery has ended it");
        self.recovers("two at once").await;
        drop(other);
        self.strike().await;
    }

    async fn strike(self) {
        let traces = self.traces().await;
        assert!(traces.is_empty(), "{traces:?}");
        let fleet = Rc::into_inner(self.fleet).unwrap();
        fleet.stop().await;
    }
}

const CPU_BURN: [&str; 6] = ["--event", "cpu-burn", "--load", "20", "--cores", "1"];

async fn cpu_burn() -> Scene {
    Scene::set(&CPU_BURN, Place::Machine).await
}

#[tokio::test]
async fn cpu_burn_killed_at_every_state() {
    cpu_burn().await.killed_at_every_state().await;
}

#[tokio::test]
async fn cpu_burn_killed_at_thirty_random_moments() {
    cpu_burn().await.killed_at_thirty_random_moments().await;
}

#[tokio::test]
async fn cpu_burn_holders_killed() {
    cpu_burn().await.holders_killed().await;
}

#[tokio::test]
async fn cpu_burn_two_at_once() {
    cpu_burn().await.two_at_once().await;
}
