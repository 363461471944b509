//! Every activity says which run and which fault it is about.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chaos_core::{
    Error, ErrorKind, Health, MemoryJournal, Observer, Outcome, Result, TargetId, async_trait,
    chance::Entropy,
    clock::Clock,
    fault::Fault,
    monkey::RunId,
    observer::{Activity, Intended},
    plan::Reason,
    testing::{MemoryProvider, PowerOff},
};
use jiff::Timestamp;

use crate::support::{Fragile, break_recovery, builder, clock, orphan};

/// Keeps the activities and the questions that it receives.
#[derive(Clone, Debug, Default)]
struct Told {
    activities: Arc<Mutex<Vec<Activity>>>,
    intended: Arc<Mutex<Vec<Intended>>>,
    /// Makes the target unhealthy when it is asked.
    spoils: Option<MemoryProvider>,
}

impl Told {
    fn activities(&self) -> Vec<Activity> {
        self.activities.lock().unwrap().clone()
    }

    /// Those that are about a fault.
    fn of_faults(&self) -> Vec<(String, Arc<Fault>)> {
        let activities = self.activities();
        let named = activities.iter().filter_map(|activity| Some((name(activity), fault_of(activity)?)));
        named.collect()
    }
}

#[async_trait]
impl Observer for Told {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        self.activities.lock().unwrap().push(activity.clone());
    }

    async fn before_injection(&self, _: Timestamp, intended: &Intended) -> Result<()> {
        self.intended.lock().unwrap().push(intended.clone());
        match &self.spoils {
            Some(world) => world.set_health(&intended.target, Health::Unhealthy),
            None => Ok(()),
        }
    }
}

fn name(activity: &Activity) -> String {
    serde_json::to_value(activity).unwrap()["activity"].as_str().unwrap().to_owned()
}

fn fault_of(activity: &Activity) -> Option<Arc<Fault>> {
    match activity {
        Activity::Armed { fault, .. }
        | Activity::TakenOver { fault, .. }
        | Activity::Injecting { fault, .. }
        | Activity::Injected { fault, .. }
        | Activity::InjectionFailed { fault, .. }
        | Activity::HoldEnded { fault, .. }
        | Activity::Reached { fault, .. }
        | Activity::Recovering { fault, .. }
        | Activity::RecoveryRetried { fault, .. }
        | Activity::Recovered { fault, .. }
        | Activity::RecoveryFailed { fault, .. }
        | Activity::JournalFailed { fault, .. } => Some(Arc::clone(fault)),
        _ => None,
    }
}

fn run_of(activity: &Activity) -> Option<RunId> {
    match activity {
        Activity::RunBegan { run, .. }
        | Activity::Planned { run, .. }
        | Activity::Skipped { run, .. }
        | Activity::RunEnded { run, .. } => Some(*run),
        Activity::RunFailed { run, .. } => *run,
        other => fault_of(other)?.run,
    }
}

fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 5).unwrap()
}

fn third() -> TargetId {
    "memory:web/machine-3".parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn all_that_is_told_of_a_fault_has_one_identity_and_all_of_a_run_its_id() {
    let (world, journal, told) = (world(), MemoryJournal::new(), Told::default());
    let monkey =
        builder(&world, &journal).event(PowerOff::default()).observer(told.clone()).seed(42).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    report.ensure_completed().unwrap();

    let of_fault = told.of_faults();
    let names: Vec<&str> = of_fault.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["armed", "injecting", "injected", "hold-ended", "recovering", "reached", "recovered"]);
    let (record, fault) = (&report.faults[0], &of_fault[0].1);
    assert!(of_fault.iter().all(|(_, other)| Arc::ptr_eq(fault, other)), "{of_fault:?}");
    assert_eq!((fault.id, &fault.target, &fault.event), (record.id, &record.target, &record.event));
    assert_eq!((fault.seed, fault.deadline), (42, record.deadline));
    let activities = told.activities();
    assert!(activities.iter().all(|activity| run_of(activity) == report.run), "{activities:?}");
    assert_eq!(told.intended.lock().unwrap()[0].run, report.run);
    assert!(
        report.to_string().starts_with(&format!("completed (run {}, seed 42)", report.run.unwrap())),
        "{report}"
    );

    // The same seed, and another run.
    let again = builder(&world, &MemoryJournal::new()).event(PowerOff::default()).seed(42).build().unwrap();
    assert_ne!(again.run_once().await.unwrap().run, report.run);
}

#[tokio::test(start_paused = true)]
async fn what_another_run_has_left_behind_has_an_identity_and_no_run() {
    let (world, journal, told) = (world(), MemoryJournal::new(), Told::default());
    let (id, target) = orphan(&world, &journal).await;
    let monkey = builder(&world, &journal).event(PowerOff::default()).observer(told.clone()).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    report.ensure_completed().unwrap();

    let (replayed, own): (Vec<_>, Vec<_>) =
        told.of_faults().into_iter().partition(|(_, fault)| fault.id == id);
    let names: Vec<&str> = replayed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["taken-over", "recovering", "reached", "recovered"]);
    let fault = &replayed[0].1;
    assert!(replayed.iter().all(|(_, other)| Arc::ptr_eq(fault, other)), "{replayed:?}");
    assert_eq!((fault.run, &fault.target, fault.deadline), (None, &target, report.replayed[0].deadline));
    assert!(!own.is_empty() && own.iter().all(|(_, fault)| fault.run == report.run), "{own:?}");
}

#[tokio::test(start_paused = true)]
async fn a_recovery_that_fails_tells_whose_it_was_too() {
    let (world, journal, told) = (world(), MemoryJournal::new(), Told::default());
    break_recovery(true);
    let monkey = builder(&world, &journal)
        .recovery_budget(Duration::from_secs(20))
        .observer(told.clone())
        .build()
        .unwrap();
    let report = monkey.inject(Fragile::unrecoverable(), &third()).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Failed, "{report}");
    let of_fault = told.of_faults();
    let names: Vec<&str> = of_fault.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"recovery-retried") && names.contains(&"recovery-failed"), "{names:?}");
    assert!(of_fault.iter().all(|(_, fault)| Arc::ptr_eq(fault, &of_fault[0].1)), "{of_fault:?}");
}

#[tokio::test(start_paused = true)]
async fn who_is_left_alone_after_all_is_told_by_the_id_that_was_announced() {
    let world = world();
    let told = Told { spoils: Some(world.clone()), ..Told::default() };
    let monkey = builder(&world, &MemoryJournal::new()).observer(told.clone()).build().unwrap();
    let report = monkey.inject(PowerOff::default(), &third()).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    let intended = told.intended.lock().unwrap().remove(0);
    let activities = told.activities();
    let skipped = activities.iter().find(|activity| name(activity) == "skipped").unwrap();
    let Activity::Skipped { run, fault, target, event, reason, .. } = skipped else { panic!("{skipped:?}") };
    assert_eq!((Some(*run), *fault), (report.run, Some(intended.fault)));
    assert_eq!((target, event.as_str()), (&third(), "power-off"));
    assert_eq!(*reason, Reason::not_healthy(Health::Unhealthy));
}

/// Gives this many numbers, and no more.
#[derive(Debug)]
struct RunsDry(AtomicUsize);

impl Entropy for RunsDry {
    fn draw(&self) -> Result<u64> {
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        let left = left.map_err(|_| Error::new(ErrorKind::Unavailable, "no entropy is left"))?;
        Ok(left as u64)
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_id_nothing_is_injected_and_the_target_is_told_all_the_same() {
    let (journal, told) = (MemoryJournal::new(), Told::default());
    let monkey = builder(&world(), &journal)
        .event(PowerOff::default())
        .entropy(RunsDry(AtomicUsize::new(1)))
        .seed(42)
        .observer(told.clone())
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    let activities = told.activities();
    let [Activity::Skipped { fault, target, .. }] =
        &activities.iter().filter(|activity| name(activity) == "skipped").collect::<Vec<_>>()[..]
    else {
        panic!("{activities:?}")
    };
    assert_eq!((*fault, target), (None, &report.skipped[0].target));

    // Without an id there is no run. A service reports that and continues.
    assert_eq!(monkey.run_once().await.unwrap_err().kind(), ErrorKind::Unavailable);
    monkey.run(clock().sleep(Duration::from_secs(1))).await.unwrap();
    let failed = told.activities().pop().unwrap();
    assert!(matches!(failed, Activity::RunFailed { run: None, .. }), "{failed:?}");
}

/// Readers of the JSON find the id as a text in its usual place, and the rest beside it.
#[tokio::test(start_paused = true)]
async fn in_json_an_identity_lies_flat_and_is_read_back() {
    let told = Told::default();
    let monkey = builder(&world(), &MemoryJournal::new()).observer(told.clone()).seed(42).build().unwrap();
    let report = monkey.inject(PowerOff::default(), &third()).await.unwrap();
    let activities = told.activities();
    for activity in &activities {
        let json = serde_json::to_value(activity).unwrap();
        assert_eq!(serde_json::from_value::<Activity>(json.clone()).unwrap(), *activity, "{json}");
    }
    let json = |wanted: &str| {
        serde_json::to_value(activities.iter().find(|activity| name(activity) == wanted).unwrap()).unwrap()
    };
    let id = report.faults[0].id.to_string();
    assert_eq!(
        json("injecting"),
        serde_json::json!({
            "activity": "injecting", "fault": id, "run": report.run, "target": "memory:web/machine-3",
            "event": "power-off", "seed": 42, "deadline": "2026-03-02T09:01:00Z",
        })
    );
    let armed = json("armed");
    // A build with another crate of the repository keeps the order in which fields are written.
    let mut keys: Vec<&str> = armed.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["activity", "by_hand", "deadline", "event", "fault", "run", "seed", "target"]);
    assert_eq!(armed["fault"], id);
}
