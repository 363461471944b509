//! Crash proof of runs with a steady state: whenever one is killed, and whatever its probe does while the fault may be
//! in effect, its faults are undone. The program that is killed is the test itself, started once more.

use std::{
    env,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chaos_core::{
    Monkey, Observer, SteadyState,
    fault::{FaultRecord, FaultState},
    observer::Activity,
    probe,
};
use chaos_events::{Reboot, Stop, Terminate};
use chaos_journal::SqlJournal;
use chaos_local::Fleet;
use chaos_testkit::faulty::{CrashAt, When};
use futures_util::future::join_all;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::{
    crash_proof::recovers,
    support::{FleetProgram, SplitMix, command, end, pending},
};

const NAME: &str = "steady_crash_proof::killed_at_every_state_whatever_the_probe_does";
/// The environment variable with the order for the program that is killed.
const ORDER: &str = "CHAOS_STEADY_CRASH_ORDER";
const SIZE: usize = 5;
/// The number of fleets at the same time.
const LANES: usize = 3;
/// The number of cases of each probe that are drawn if not all are run.
const DRAWN: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Event {
    Stop,
    Terminate,
    Reboot,
}

/// What the probe does from some moment on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Probe {
    Met,
    Violated,
    Hangs,
    Panics,
}

impl Probe {
    const ALL: [Self; 4] = [Self::Met, Self::Violated, Self::Hangs, Self::Panics];

    async fn look(self) -> bool {
        match self {
            Self::Met => true,
            Self::Violated => false,
            Self::Hangs => std::future::pending().await,
            Self::Panics => panic!("the probe is broken"),
        }
    }
}

/// The moment from which on the probe does it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Since {
    /// The fault is armed. So the injection is cut off, unless it is faster than the first look.
    Arming,
    /// The injection has returned.
    Injected,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Case {
    event: Event,
    probe: Probe,
    since: Since,
    crash_at: String,
}

/// What the program that is killed has to do.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    fleet: PathBuf,
    journal: PathBuf,
    case: Case,
}

/// Tells the probe that its moment has come.
#[derive(Debug)]
struct Moment {
    since: Since,
    has_come: Arc<AtomicBool>,
}

impl Observer for Moment {
    fn observe(&self, _: jiff::Timestamp, activity: &Activity) {
        let has_come = match self.since {
            Since::Arming => matches!(activity, Activity::Armed { .. }),
            Since::Injected => matches!(activity, Activity::Injected { .. }),
        };
        self.has_come.fetch_or(has_come, Ordering::SeqCst);
    }
}

impl Order {
    /// Runs until its journal kills it.
    async fn carry_out(self) {
        let Case { event, probe: probing, since, crash_at } = self.case;
        let (when, state) = crash_at.split_once(':').unwrap();
        let (when, state) = match when {
            "before" => (When::BeforeMark, state.parse().unwrap()),
            _ => (When::AfterMark, state.parse().unwrap()),
        };
        // A look that hangs when the fault becomes active must not cut the injection off before.
        let time_limit = if state == FaultState::Active { 10_000 } else { 200 };
        let has_come = Arc::new(AtomicBool::new(false));
        let observer = Moment { since, has_come: Arc::clone(&has_come) };
        let looking = probe("the service", move || {
            let has_come = has_come.load(Ordering::SeqCst);
            async move { !has_come || probing.look().await }
        });
        let steady = SteadyState::new("If one replica fails, then the service answers")
            .probe("service", looking, true)
            .every(Duration::from_millis(50))
            .time_limit(Duration::from_millis(time_limit));
        let monkey = Monkey::builder().provider(Fleet::attach(&self.fleet).unwrap());
        let monkey = match event {
            Event::Stop => monkey.event(Stop::lasting(Duration::from_secs(2)).unwrap()),
            Event::Terminate => monkey.event(Terminate::default()),
            Event::Reboot => monkey.event(Reboot::default()),
        };
        let budget = if state == FaultState::RecoveryFailed { 500 } else { 60_000 };
        let monkey = monkey
            .steady_state(steady)
            .observer(observer)
            .recovery_budget(Duration::from_millis(budget))
            .unleash(
                CrashAt::journal(SqlJournal::open(&self.journal).await.unwrap(), state, when),
                chaos_events::registry(),
            )
            .build()
            .unwrap();
        let report = monkey.run_once().await.unwrap();
        panic!("it was not killed: {report}");
    }
}

impl Case {
    /// Every case of this probe.
    fn all(probe: Probe) -> Vec<Self> {
        let mut cases = Vec::new();
        for state in ["armed", "injecting", "active", "recovering", "recovered"] {
            // What is cut off before it is active never is. Before the injection, no moment has come.
            let moments = match state {
                "armed" | "injecting" => &[Since::Arming][..],
                "active" if probe == Probe::Hangs => &[Since::Arming],
                "active" => &[Since::Injected],
                _ if probe == Probe::Met => &[Since::Injected],
                _ => &[Since::Arming, Since::Injected],
            };
            for &since in moments {
                for crash_at in [format!("before:{state}"), format!("after:{state}")] {
                    let case = |event| Self { event, probe, since, crash_at: crash_at.clone() };
                    cases.extend([Event::Stop, Event::Terminate, Event::Reboot].map(case));
                }
            }
        }
        cases
    }

    /// All with `CHAOS_LONG=1`, otherwise a drawn part of those of each probe.
    fn drawn(random: &mut SplitMix) -> Vec<Self> {
        let is_long = env::var_os("CHAOS_LONG").is_some_and(|value| value == "1");
        let drawn = Probe::ALL.into_iter().flat_map(|probe| {
            let mut cases = Self::all(probe);
            cases.sort_by_cached_key(|_| random.next());
            cases.truncate(if is_long { usize::MAX } else { DRAWN });
            cases
        });
        drawn.collect()
    }

    /// The states in which the fault may be left.
    fn left(&self) -> &'static [Option<FaultState>] {
        use FaultState::{Active, Armed, Injecting, Recovering};
        match (self.crash_at.as_str(), self.since) {
            ("before:armed" | "after:recovered", _) => &[None],
            ("after:armed" | "before:injecting", _) => &[Some(Armed)],
            ("after:injecting" | "before:active", _) => &[Some(Injecting)],
            // The injection may have been faster than the first look.
            ("before:recovering", Since::Arming) => &[Some(Injecting), Some(Active)],
            ("after:active", _) | ("before:recovering", Since::Injected) => &[Some(Active)],
            ("after:recovering" | "before:recovered", _) => &[Some(Recovering)],
            _ => unreachable!("{self:?}"),
        }
    }

    /// Starts the program, and returns its fault when it has been killed.
    async fn killed(self, fleet: &FleetProgram, journal: &Path, after: &str) -> Option<FaultRecord> {
        let order = Order { fleet: fleet.state(), journal: journal.to_owned(), case: self };
        let mut program =
            command(env::current_exe().unwrap().to_str().unwrap(), ["--exact", NAME, "--nocapture"]);
        program.env(ORDER, serde_json::to_string(&order).unwrap());
        let program = end(program.spawn().unwrap()).await;
        assert!(program.was_killed(), "{after}: {program:#?}");
        let mut left = pending(journal).await;
        assert!(left.len() <= 1, "{after}: {left:#?}");
        left.pop()
    }

    async fn perform(self, fleet: &FleetProgram, journal: &Path, origin: &str) {
        let (after, may_be_left) = (format!("{self:?} ({origin})"), self.left());
        let left = self.killed(fleet, journal, &after).await.map(|fault| fault.state);
        assert!(may_be_left.contains(&left), "{after}: left {left:?}, not {may_be_left:?}");
        recovers(fleet, journal, SIZE, &after).await;
    }
}

/// With `CHAOS_LONG=1`, every case. Otherwise a drawn part of them.
#[tokio::test]
async fn killed_at_every_state_whatever_the_probe_does() {
    if let Ok(order) = env::var(ORDER) {
        return serde_json::from_str::<Order>(&order).unwrap().carry_out().await;
    }
    let mut random = SplitMix::drawn();
    let (cases, origin) = (Case::drawn(&mut random), random.origin());
    println!("{origin}: {} cases", cases.len());
    let lanes = (0..LANES).map(|lane| {
        let cases = cases.iter().skip(lane).step_by(LANES).cloned();
        let origin = &origin;
        async move {
            let fleet = FleetProgram::start(SIZE).await;
            let journal = fleet.place("steady.journal");
            for case in cases {
                case.perform(&fleet, &journal, origin).await;
            }
            fleet.stop().await;
        }
    });
    join_all(lanes).await;
}

/// The one state that a sound fleet never shows: the fleet's own program is stopped, so it replaces no replica.
#[tokio::test]
async fn killed_after_the_recovery_has_failed_whatever_the_probe_does() {
    let mut random = SplitMix::drawn();
    let probe = Probe::ALL[usize::try_from(random.next() % 4).unwrap()];
    let fleet = FleetProgram::start(SIZE).await;
    let journal = fleet.place("failed.journal");
    let crash_at = "after:recovery-failed".to_owned();
    let case = Case { event: Event::Terminate, probe, since: Since::Injected, crash_at };
    let after = format!("{case:?} ({})", random.origin());
    fleet.signal(Signal::STOP);
    let left = case.killed(&fleet, &journal, &after).await;
    fleet.signal(Signal::CONT);
    assert_eq!(left.map(|fault| fault.state), Some(FaultState::RecoveryFailed), "{after}");
    recovers(&fleet, &journal, SIZE, &after).await;
    fleet.stop().await;
}
