//! A world whose service follows a script, and a monkey with a steady state over both.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chaos_core::{
    Error, ErrorKind, Hold, MemoryJournal, Monkey, MonkeyBuilder, Observer, Result, RunReport, SteadyState,
    async_trait,
    clock::Clock,
    fault::FaultRecord,
    observer::Activity,
    steady_state::{Probe, Reading, SteadyStateVerdict},
    testing::{ManualClock, MemoryProvider, PowerOff},
};

use crate::support::{clock, health, registry};

pub(super) const STEP: Duration = Duration::from_millis(200);

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A service whose answers follow a script: at the times since the start of the test.
#[derive(Clone, Debug)]
pub(super) struct Service {
    clock: Arc<ManualClock>,
    began: Duration,
    script: Arc<Vec<(Duration, Answer)>>,
    looks: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Answer {
    Status(u16),
    Silent,
    Hangs,
    Panics,
    Errs,
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the service")
    }
}

#[async_trait]
impl Probe for Service {
    async fn look(&self, clock: &dyn Clock) -> Result<Reading> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        let since = self.clock.monotonic() - self.began;
        let now = self.script.iter().rev().find(|(from, _)| *from <= since).map(|(_, answer)| *answer);
        match now.unwrap_or(Answer::Status(200)) {
            Answer::Status(status) => Ok(status.into()),
            Answer::Silent => Ok(Reading::no_answer("connection refused")),
            Answer::Hangs => {
                clock.sleep(seconds(1_000_000)).await;
                Ok(200.into())
            }
            Answer::Panics => panic!("the probe is broken"),
            Answer::Errs => Err(Error::new(ErrorKind::Unavailable, "the proxy is down")),
        }
    }
}

/// A world of machines, a service, and a monkey over both.
pub(super) struct Trial {
    pub(super) world: MemoryProvider,
    pub(super) journal: MemoryJournal,
    pub(super) clock: Arc<ManualClock>,
    pub(super) service: Service,
    pub(super) told: Arc<Mutex<Vec<Activity>>>,
}

#[derive(Debug)]
struct Notes(Arc<Mutex<Vec<Activity>>>);

#[async_trait]
impl Observer for Notes {
    fn observe(&self, _: jiff::Timestamp, activity: &Activity) {
        self.0.lock().unwrap().push(activity.clone());
    }
}

impl Trial {
    /// The script begins with the first look, at which a run begins.
    pub(super) fn of(script: &[(f64, Answer)]) -> Self {
        let clock = Arc::new(clock());
        let script = script.iter().map(|(at, answer)| (Duration::from_secs_f64(*at), *answer)).collect();
        let service = Service {
            began: clock.monotonic(),
            clock: Arc::clone(&clock),
            script: Arc::new(script),
            looks: Arc::default(),
        };
        Self {
            world: MemoryProvider::default().with_group("web", 5).unwrap(),
            journal: MemoryJournal::new(),
            clock,
            service,
            told: Arc::default(),
        }
    }

    pub(super) fn steady(&self) -> SteadyState {
        hypothesis().probe("home page", self.service.clone(), 200)
    }

    pub(super) fn monkey(&self, steady: SteadyState, hold: u64) -> MonkeyBuilder {
        Monkey::builder()
            .provider(self.world.clone())
            .event(PowerOff::lasting(Hold::lasting(seconds(hold)).unwrap()))
            .clock(Arc::clone(&self.clock))
            .seed(42)
            .steady_state(steady)
            .observer(Notes(Arc::clone(&self.told)))
            .unleash(self.journal.clone(), registry())
    }

    pub(super) async fn run(&self, steady: SteadyState, hold: u64) -> RunReport {
        let report = self.monkey(steady, hold).build().unwrap().run_once().await.unwrap();
        self.assert_whole().await;
        report
    }

    pub(super) async fn assert_whole(&self) {
        use chaos_core::Journal as _;
        assert_eq!(self.journal.pending().await.unwrap().faults, []);
        for number in 0..5 {
            let id = format!("memory:web/machine-{number}").parse().unwrap();
            assert_eq!(health(&self.world, &id).await, chaos_core::Health::Healthy, "{id}");
        }
    }

    pub(super) fn told(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let name = |activity: &Activity| {
            serde_json::to_value(activity).unwrap()["activity"].as_str().unwrap().to_owned()
        };
        told.iter().map(name).filter(|name| name.contains("steady")).collect()
    }
}

pub(super) fn hypothesis() -> SteadyState {
    SteadyState::new("If one machine is off, then every customer is served").every(STEP)
}

pub(super) fn held_for(fault: &FaultRecord) -> f64 {
    fault.achieved.get("seconds").unwrap()
}

pub(super) fn verdict(report: &RunReport) -> SteadyStateVerdict {
    report.steady_state.as_ref().expect("a steady state").verdict
}
