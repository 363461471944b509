//! Observers are asked before an injection, and may forbid it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{Fragile, Recorder, builder};
use chaos_core::{
    Calendar, Error, ErrorKind, Health, Hold, Journal, MemoryJournal, Observer, Outcome, Result, RunReport,
    TargetId, async_trait,
    calendar::CalendarState,
    clock::Clock,
    fault::FaultState,
    journal::FaultQuery,
    observer::{Activity, Chosen, Intended},
    testing::{ManualClock, MemoryProvider, PowerOff},
};
use jiff::Timestamp;
use tokio::sync::Barrier;

/// Its behaviour when it is asked.
#[derive(Debug)]
enum Answer {
    Refuse,
    Panic,
    Hang,
    Wait(Duration),
    /// Makes the target unhealthy, and allows it.
    Spoil(MemoryProvider),
    /// Allows it once this many observers have been asked.
    Meet(Arc<Barrier>),
}

#[derive(Clone, Debug)]
struct Asked {
    answer: Arc<Answer>,
    journal: MemoryJournal,
    clock: Arc<ManualClock>,
    seen: Arc<Mutex<Vec<(Timestamp, Intended)>>>,
}

impl Asked {
    fn to(answer: Answer, journal: &MemoryJournal) -> Self {
        let clock = Arc::new(crate::support::clock());
        Self { answer: Arc::new(answer), journal: journal.clone(), clock, seen: Arc::default() }
    }

    fn seen(&self) -> Vec<(Timestamp, Intended)> {
        self.seen.lock().unwrap().clone()
    }
}

#[async_trait]
impl Observer for Asked {
    fn observe(&self, _: Timestamp, _: &Activity) {}

    async fn before_injection(&self, at: Timestamp, intended: &Intended) -> Result<()> {
        assert_eq!(
            self.journal.find(&FaultQuery::all()).await.unwrap().faults,
            [],
            "asked before it is armed"
        );
        self.seen.lock().unwrap().push((at, intended.clone()));
        match self.answer.as_ref() {
            Answer::Refuse => Err(Error::new(ErrorKind::Refused, "the change board says no")),
            Answer::Panic => panic!("an observer that panics"),
            Answer::Hang => std::future::pending().await,
            Answer::Wait(time) => {
                self.clock.sleep(*time).await;
                Ok(())
            }
            Answer::Spoil(world) => world.set_health(&intended.target, Health::Unhealthy),
            Answer::Meet(others) => {
                others.wait().await;
                Ok(())
            }
        }
    }
}

fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 5).unwrap()
}

fn third() -> TargetId {
    "memory:web/machine-3".parse().unwrap()
}

fn time_of(report: &RunReport) -> Duration {
    report.ended_at.duration_since(report.began_at).try_into().unwrap()
}

/// Nothing was armed, no machine was touched, and the report says why.
async fn assert_left_alone(world: &MemoryProvider, journal: &MemoryJournal, report: &RunReport, why: &str) {
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    assert_eq!(report.skipped.len(), 1, "{report}");
    assert!(report.to_string().contains(why), "{report}");
    assert_eq!(journal.find(&FaultQuery::all()).await.unwrap().faults, [], "{report}");
    for number in 0..5 {
        let id = format!("memory:web/machine-{number}").parse().unwrap();
        assert_eq!(crate::support::health(world, &id).await, Health::Healthy, "{id}: {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn observers_are_told_what_is_intended_before_it_is_armed() {
    let (world, journal) = (world(), MemoryJournal::new());
    let asked = Asked::to(Answer::Wait(Duration::from_secs(2)), &journal);
    let monkey =
        builder(&world, &journal).event(PowerOff::default()).observer(asked.clone()).seed(7).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");

    let fault = &report.faults[0];
    let (at, intended) = asked.seen().remove(0);
    assert_eq!(at, report.began_at);
    assert_eq!((intended.fault, &intended.target), (fault.id, &fault.target));
    assert_eq!((intended.event.as_str(), intended.seed), ("power-off", 7));
    assert_eq!(intended.chosen, Chosen::Drawn);
    assert_eq!((intended.healthy, intended.desired), (5, 5));
    assert_eq!((intended.hold, intended.requested.get("seconds")), (Duration::from_secs(60), Some(60.0)));
    // The deadline counts from the arming, which has waited for the observers.
    assert_eq!(intended.deadline + Duration::from_secs(2), fault.deadline);
    assert_eq!(intended.undone_by, intended.deadline + Duration::from_secs(300));
    assert!(intended.by_hand.contains(fault.target.as_str()), "{}", intended.by_hand);
    // The observers' time does not shorten the hold.
    assert_eq!(fault.time_to_recover(), Some(Duration::from_secs(60)));
}

#[tokio::test(start_paused = true)]
async fn one_that_refuses_stops_the_injection() {
    let (world, journal) = (world(), MemoryJournal::new());
    let (asked, recorder) = (Asked::to(Answer::Refuse, &journal), Recorder::default());
    let monkey = builder(&world, &journal)
        .event(PowerOff::default())
        .observer(recorder.clone())
        .observer(asked.clone())
        .build()
        .unwrap();
    let why = "in doubt: not announced (observer=\"2 of 2\"): the change board says no";
    let report = monkey.run_once().await.unwrap();
    assert_left_alone(&world, &journal, &report, why).await;
    assert_eq!(recorder.names(), ["run-began", "planned", "skipped", "run-ended"]);

    let report = monkey.inject(PowerOff::default(), &third()).await.unwrap();
    assert_left_alone(&world, &journal, &report, why).await;
    assert_eq!(
        asked.seen().iter().map(|(_, seen)| seen.chosen).collect::<Vec<_>>(),
        [Chosen::Drawn, Chosen::Named]
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_or_hangs_stops_it_too() {
    let (world, journal) = (world(), MemoryJournal::new());
    let report_of = async |answer| {
        let hour = PowerOff::lasting(Hold::lasting(Duration::from_secs(3600)).unwrap());
        let asked = Asked::to(answer, &journal);
        let monkey = builder(&world, &journal).event(hour).observer(asked).build().unwrap();
        monkey.run_once().await.unwrap()
    };
    let report = report_of(Answer::Panic).await;
    assert_left_alone(&world, &journal, &report, "an observer panicked").await;
    let report = report_of(Answer::Hang).await;
    assert_left_alone(&world, &journal, &report, "an observer took too long (limit=\"30s\")").await;
    assert_eq!(time_of(&report), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn an_approval_that_takes_longer_than_the_hold_takes_nothing_off_it() {
    let (world, journal) = (world(), MemoryJournal::new());
    let monkey = builder(&world, &journal)
        .event(PowerOff::lasting(Hold::lasting(Duration::from_secs(10)).unwrap()))
        .observer(Asked::to(Answer::Wait(Duration::from_secs(20)), &journal))
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(report.faults[0].time_to_recover(), Some(Duration::from_secs(10)), "{report}");
}

/// Open from Monday morning for this long.
#[derive(Debug)]
struct OpenFor(Duration);

impl Calendar for OpenFor {
    fn state(&self, at: Timestamp) -> CalendarState {
        let closes = "2026-03-02T09:00:00Z".parse::<Timestamp>().unwrap() + self.0;
        if at < closes {
            CalendarState::open_until(closes)
        } else {
            CalendarState::closed_until(Timestamp::MAX)
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_calendar_is_asked_again_once_everybody_has_approved() {
    let (world, journal) = (world(), MemoryJournal::new());
    let monkey = builder(&world, &journal)
        .event(PowerOff::default())
        .observer(Asked::to(Answer::Wait(Duration::from_secs(20)), &journal))
        // A minute of hold and five of budget leave ten seconds.
        .calendar(OpenFor(Duration::from_secs(370)))
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_left_alone(&world, &journal, &report, "the calendar closes at 2026-03-02T09:06:10Z").await;
}

#[tokio::test(start_paused = true)]
async fn those_that_only_observe_stop_nothing_and_arcs_of_observers_are_observers() {
    let (world, journal) = (world(), MemoryJournal::new());
    let recorder = Arc::new(Recorder::default());
    let erased: Arc<dyn Observer> = recorder.clone();
    let monkey = builder(&world, &journal)
        .event(PowerOff::default())
        .observer(erased)
        .observer(Recorder::default())
        .build()
        .unwrap();
    assert_eq!(monkey.run_once().await.unwrap().outcome(), Outcome::Completed);
    assert!(recorder.names().contains(&"recovered".to_owned()), "{:?}", recorder.names());

    let erased: Arc<dyn Observer> = Arc::new(Asked::to(Answer::Refuse, &MemoryJournal::new()));
    let monkey =
        builder(&world, &MemoryJournal::new()).event(PowerOff::default()).observer(erased).build().unwrap();
    assert_eq!(monkey.run_once().await.unwrap().outcome(), Outcome::Skipped);
}

#[tokio::test(start_paused = true)]
async fn all_are_asked_side_by_side() {
    let (world, journal) = (world(), MemoryJournal::new());
    let all = Arc::new(Barrier::new(2));
    let monkey = builder(&world, &journal)
        .event(PowerOff::default())
        .observer(Asked::to(Answer::Meet(Arc::clone(&all)), &journal))
        .observer(Asked::to(Answer::Meet(all), &journal))
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
}

#[tokio::test(start_paused = true)]
async fn the_last_look_comes_after_the_announcement() {
    let (world, journal) = (world(), MemoryJournal::new());
    let recorder = Recorder::default();
    let monkey = builder(&world, &journal)
        .observer(Asked::to(Answer::Spoil(world.clone()), &journal))
        .observer(recorder.clone())
        .build()
        .unwrap();
    let report = monkey.inject(PowerOff::default(), &third()).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped);
    assert!(report.to_string().contains("machine-3: it is unhealthy"), "{report}");
    assert_eq!(journal.find(&FaultQuery::all()).await.unwrap().faults, []);
    assert!(recorder.names().contains(&"skipped".to_owned()), "{:?}", recorder.names());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cut_short_while_it_is_announced_arms_nothing() {
    let (world, journal) = (world(), MemoryJournal::new());
    let asked = Asked::to(Answer::Hang, &journal);
    let monkey =
        builder(&world, &journal).event(PowerOff::default()).observer(asked.clone()).build().unwrap();
    tokio::select! {
        biased;
        report = monkey.run_once() => panic!("it got through: {report:?}"),
        () = async { while asked.seen().is_empty() { tokio::task::yield_now().await } } => {}
    }
    monkey.shutdown().await;
    assert_eq!(journal.find(&FaultQuery::all()).await.unwrap().faults, []);
    assert_eq!(crate::support::health(&world, &asked.seen()[0].1.target).await, Health::Healthy);
}

/// Keeps the instructions to undo a fault by hand.
#[derive(Clone, Debug, Default)]
struct ByHand(Arc<Mutex<Vec<Words>>>);

/// The time, the target and the instructions.
type Words = (&'static str, TargetId, Option<String>);

impl Observer for ByHand {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        let kept = match activity.clone() {
            Activity::Armed { fault, by_hand, .. } => ("armed", fault, Some(by_hand)),
            Activity::TakenOver { fault, by_hand, .. } => ("taken over", fault, by_hand),
            Activity::RecoveryFailed { fault, by_hand, .. } => ("failed", fault, by_hand),
            _ => return,
        };
        let (what, fault, by_hand) = kept;
        self.0.lock().unwrap().push((what, fault.target.clone(), by_hand));
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_before_a_recovery_and_all_are_told_how_to_do_it_by_hand() {
    let (world, journal) = (world(), MemoryJournal::new());
    let (orphan, target) = crate::support::orphan(&world, &journal).await;
    let kept = ByHand::default();
    let monkey = builder(&world, &journal)
        .recovery_budget(Duration::from_secs(20))
        .observer(kept.clone())
        .observer(Asked::to(Answer::Refuse, &journal))
        .build()
        .unwrap();
    let replayed = monkey.recover_pending().await.unwrap().faults;
    assert_eq!((replayed[0].id, replayed[0].state), (orphan, FaultState::Recovered));
    let (what, of, by_hand) = kept.0.lock().unwrap().remove(0);
    assert_eq!((what, &of), ("taken over", &target));
    assert!(by_hand.unwrap().contains(target.as_str()));

    crate::support::break_recovery(true);
    let monkey = builder(&world, &journal)
        .recovery_budget(Duration::from_secs(20))
        .observer(kept.clone())
        .build()
        .unwrap();
    let report = monkey.inject(Fragile::unrecoverable(), &third()).await.unwrap();
    let words = Some(format!("mend {} of {}", third(), report.faults[0].id));
    assert_eq!(*kept.0.lock().unwrap(), [("armed", third(), words.clone()), ("failed", third(), words)]);
}
