//! Every due has its record: carried out, or missed and why, whatever ends and begins again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chaos_core::{
    BusinessHours, FaultId, GroupId, Hold, Journal, MemoryJournal, Monkey, MonkeyBuilder, Observer, Result,
    async_trait,
    clock::Clock,
    fault::{FaultRecord, FaultState, Mark},
    journal::{
        Arming, DueNote, DueQuery, DueRecord, DueState, FaultQuery, Forget, Forgotten, Found, FoundDues,
        Halt, KeptSchedule, Lease, Limits,
    },
    observer::Activity,
    schedule::{DueId, Schedule},
    testing::{ManualClock, MemoryProvider, PowerOff},
};
use tokio::sync::Notify;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, date},
};

use crate::support::{registry, runtime};

const GROUPS: [&str; 3] = ["a", "b", "c"];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn world() -> MemoryProvider {
    GROUPS.into_iter().fold(MemoryProvider::default(), |world, name| world.with_group(name, 5).unwrap())
}

fn schedule() -> Schedule {
    Schedule::new("UTC").unwrap()
}

fn builder(world: &MemoryProvider, journal: &MemoryJournal, clock: &Arc<ManualClock>) -> MonkeyBuilder {
    Monkey::builder()
        .provider(world.clone())
        .event(PowerOff::lasting(Hold::lasting(Duration::from_secs(60)).unwrap()))
        .calendar(BusinessHours::new("UTC").unwrap().hours(9, 15))
        .clock(Arc::clone(clock))
        .schedule(schedule())
        .unleash(journal.clone(), registry())
}

async fn until(clock: &ManualClock, end: &str) {
    let wait = at(end).duration_since(clock.now());
    clock.sleep(wait.unsigned_abs()).await;
}

async fn dues(journal: &MemoryJournal) -> Vec<DueRecord> {
    journal.dues(&DueQuery::all()).await.unwrap().dues
}

/// On each of these days, each group has exactly one line, and it is settled.
fn assert_complete(dues: &[DueRecord], days: &[Date]) {
    let known: BTreeSet<_> = dues.iter().map(|due| (due.id.day, due.id.group.path().to_owned())).collect();
    let expected: BTreeSet<_> =
        days.iter().flat_map(|day| GROUPS.map(|group| (*day, group.to_owned()))).collect();
    assert_eq!(known, expected);
    assert_eq!(known.len(), dues.len());
    for due in dues {
        assert!(due.is_settled(), "{due:?}");
        assert_eq!(due.state == DueState::Missed, due.faults.is_empty(), "{due:?}");
        assert!(due.state != DueState::Missed || !due.stops.is_empty(), "missed for no reason: {due:?}");
        assert!(due.stops.len() <= DueRecord::MOST_STOPS, "{due:?}");
    }
}

/// No due has two runs, and each fault is one of a due that is carried out.
async fn assert_once(journal: &MemoryJournal) {
    let mut runs = BTreeMap::<(GroupId, Date), BTreeSet<_>>::new();
    for fault in journal.find(&FaultQuery::all()).await.unwrap().faults {
        assert_eq!(fault.state, FaultState::Recovered, "{fault:?}");
        let due = fault.due.unwrap();
        runs.entry((fault.group, due.day)).or_default().insert(due.run);
    }
    assert!(runs.values().all(|runs| runs.len() == 1), "{runs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_due_that_is_carried_out_names_its_run_and_fault() {
    let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T06:00:00Z")));
    let (world, journal) = (world(), MemoryJournal::new());
    let monkey = builder(&world, &journal, &clock).seed(42).build().unwrap();
    monkey.run(until(&clock, "2026-03-03T08:00:00Z")).await.unwrap();
    let all = dues(&journal).await;
    let (first, second): (Vec<_>, Vec<_>) = all.into_iter().partition(|due| due.id.day == date(2026, 3, 2));
    assert_complete(&first, &[date(2026, 3, 2)]);
    let faults = journal.find(&FaultQuery::all()).await.unwrap().faults;
    for due in &first {
        assert_eq!(due.state, DueState::CarriedOut);
        let fault = faults.iter().find(|fault| due.faults == [fault.id]).unwrap();
        assert_eq!(due.run, fault.due.map(|due| due.run));
        let late = fault.armed_at.duration_since(due.at.unwrap());
        assert!((0..=60).contains(&late.as_secs()), "{due:?} was carried out at {}", fault.armed_at);
    }
    // Those of the day that has begun are to come.
    assert_eq!(second.len(), 3);
    assert!(second.iter().all(|due| due.state == DueState::Open && due.at.is_some()), "{second:?}");
}

/// Retries over a day are one line, and the day's end settles it.
#[tokio::test(start_paused = true)]
async fn what_a_halt_has_stopped_all_day_is_missed_and_says_so_once() {
    let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T06:00:00Z")));
    let (world, journal) = (world(), MemoryJournal::new());
    journal.set_halt(Some(Halt::new("a person is at work", clock.now()))).await.unwrap();
    let told = Told::default();
    let monkey = builder(&world, &journal, &clock).seed(42).observer(told.clone()).build().unwrap();
    monkey.run(until(&clock, "2026-03-03T00:30:00Z")).await.unwrap();
    let mut all = dues(&journal).await;
    all.retain(|due| due.id.day == date(2026, 3, 2));
    assert_complete(&all, &[date(2026, 3, 2)]);
    for due in &all {
        assert_eq!(due.state, DueState::Missed);
        let stop = due.stops.iter().find(|stop| stop.why.contains("a person is at work")).unwrap();
        // The calendar closes at 15:00, and every five minutes it was tried.
        let tries = at("2026-03-02T15:00:00Z").duration_since(due.at.unwrap()).as_secs() / 300;
        assert!(stop.times.abs_diff(tries.unsigned_abs()) <= 2, "{tries}: {due:?}");
        assert!(stop.first < stop.last, "{due:?}");
    }
    let missed = told.0.lock().unwrap().iter().filter(|line| line.contains("was missed")).count();
    assert_eq!(missed, 3, "{:?}", told.0.lock().unwrap());
}

/// Keeps the lines of what it is told.
#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Observer for Told {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        self.0.lock().unwrap().push(activity.to_string());
    }
}

/// From Monday to Wednesday, nobody looks.
#[tokio::test(start_paused = true)]
async fn days_without_a_monkey_are_missed_and_say_so() {
    let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T06:00:00Z")));
    let (world, journal) = (world(), MemoryJournal::new());
    let monkey = builder(&world, &journal, &clock).seed(42).build().unwrap();
    monkey.run(until(&clock, "2026-03-02T16:00:00Z")).await.unwrap();
    until(&clock, "2026-03-05T16:00:00Z").await;
    let again = builder(&world, &journal, &clock).seed(42).build().unwrap();
    again.run(until(&clock, "2026-03-05T16:05:00Z")).await.unwrap();
    let mut all = dues(&journal).await;
    all.retain(|due| due.id.day < date(2026, 3, 5));
    assert_complete(&all, &[date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)]);
    for due in &all {
        let is_first = due.id.day == date(2026, 3, 2);
        assert_eq!(due.state == DueState::CarriedOut, is_first, "{due:?}");
        assert!(is_first || due.stops[0].why.contains("none was running"), "{due:?}");
    }
    let before = dues(&journal).await;
    let third = builder(&world, &journal, &clock).seed(42).build().unwrap();
    third.run(until(&clock, "2026-03-05T16:10:00Z")).await.unwrap();
    assert_eq!(dues(&journal).await, before, "the same lines were written again");
}

/// A journal that never saw a schedule has nothing to look back to.
#[tokio::test(start_paused = true)]
async fn the_first_monkey_invents_no_past_and_no_look_back_is_longer_than_a_month() {
    let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T06:00:00Z")));
    let (world, journal) = (world(), MemoryJournal::new());
    let monkey = builder(&world, &journal, &clock).seed(42).build().unwrap();
    monkey.run(until(&clock, "2026-03-02T06:05:00Z")).await.unwrap();
    assert!(dues(&journal).await.iter().all(|due| due.id.day == date(2026, 3, 2)));
    until(&clock, "2026-12-01T16:00:00Z").await;
    let again = builder(&world, &journal, &clock).seed(42).build().unwrap();
    again.run(until(&clock, "2026-12-01T16:05:00Z")).await.unwrap();
    let old: Vec<_> = dues(&journal).await.into_iter().filter(|due| due.id.day < date(2026, 12, 1)).collect();
    let oldest = old.iter().filter(|due| due.id.day != date(2026, 3, 2)).map(|due| due.id.day).min();
    assert_eq!(oldest, Some(date(2026, 12, 1) - 29.days()), "October 31 is a Saturday");
    // Those that were noted are settled, however old.
    assert!(old.iter().all(DueRecord::is_settled), "{old:?}");
}

/// The seed is drawn once; who comes later finds it.
#[tokio::test(start_paused = true)]
async fn a_journal_keeps_the_seed_of_a_schedule_without_one() {
    let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T06:00:00Z")));
    let (world, journal) = (world(), MemoryJournal::new());
    let seeds = async |told: &Told| {
        let lines = told.0.lock().unwrap().clone();
        lines.into_iter().filter(|line| line.contains("by the schedule with seed")).collect::<Vec<_>>()
    };
    let (one, other) = (Told::default(), Told::default());
    let first = builder(&world, &journal, &clock).observer(one.clone()).build().unwrap();
    let second = builder(&world, &journal, &clock).observer(other.clone()).build().unwrap();
    let end = "2026-03-02T06:05:00Z";
    let (first, second) = tokio::join!(first.run(until(&clock, end)), second.run(until(&clock, end)));
    first.and(second).unwrap();
    let kept = journal.keep_schedule(&KeptSchedule::default()).await.unwrap().seed.unwrap();
    let expected = [format!("dues are carried out by the schedule with seed {kept}")];
    assert_eq!((seeds(&one).await, seeds(&other).await), (expected.to_vec(), expected.to_vec()));
    let drawn: BTreeMap<DueId, _> = dues(&journal).await.into_iter().map(|due| (due.id, due.at)).collect();

    // A given seed is used, and replaces nothing.
    let given = Told::default();
    let third = builder(&world, &journal, &clock).seed(kept ^ 1).observer(given.clone()).build().unwrap();
    third.run(until(&clock, "2026-03-02T06:10:00Z")).await.unwrap();
    assert_eq!(seeds(&given).await, [format!("dues are carried out by the schedule with seed {}", kept ^ 1)]);
    let fourth = builder(&world, &journal, &clock).build().unwrap();
    fourth.run(until(&clock, "2026-03-02T06:15:00Z")).await.unwrap();
    assert_eq!(journal.keep_schedule(&KeptSchedule::default()).await.unwrap().seed, Some(kept));
    let again: BTreeMap<DueId, _> = dues(&journal).await.into_iter().map(|due| (due.id, due.at)).collect();
    assert_eq!(again, drawn);
}

/// It is forgotten once a day, and what a schedule needs is not.
#[tokio::test(start_paused = true)]
async fn a_monkey_forgets_what_is_over_and_older_than_it_keeps() {
    let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T06:00:00Z")));
    let (world, journal) = (world(), MemoryJournal::new());
    let three_days = Duration::from_secs(3 * 24 * 3600);
    let monkey = builder(&world, &journal, &clock).seed(42).keep(three_days).build().unwrap();
    monkey.run(until(&clock, "2026-03-21T08:00:00Z")).await.unwrap();
    // A Saturday at 6:00: the last time that it forgot.
    let kept_from = at("2026-03-18T06:00:00Z");
    let faults = journal.find(&FaultQuery::all()).await.unwrap().faults;
    assert!(faults.iter().all(|fault| fault.armed_at >= kept_from), "{faults:?}");
    assert_eq!(faults.len(), 3 * 3);
    let days: BTreeSet<Date> = dues(&journal).await.iter().map(|due| due.id.day).collect();
    assert_eq!(days.first(), Some(&date(2026, 3, 18)));
    let short = builder(&world, &journal, &clock).cool_down(three_days).keep(three_days / 2);
    let error = short.build().unwrap_err().to_string();
    assert!(
        error.starts_with("invalid time to keep: 129600s; expected more than zero, and at least"),
        "{error}"
    );
}

/// A place where a life ends: before or after the call to the journal with this number.
#[derive(Debug)]
struct Ends {
    calls: AtomicUsize,
    at: usize,
    is_over: Notify,
}

impl Ends {
    fn at(number: usize) -> Arc<Self> {
        Arc::new(Self { calls: AtomicUsize::new(0), at: number, is_over: Notify::new() })
    }

    async fn passes(&self) {
        if self.calls.fetch_add(1, Ordering::Relaxed) == self.at {
            self.is_over.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// A journal whose process may end around every call.
#[derive(Debug)]
struct Mortal(MemoryJournal, Arc<Ends>);

macro_rules! mortal {
    ($self:ident, $call:expr) => {{
        $self.1.passes().await;
        let result = $call.await;
        $self.1.passes().await;
        result
    }};
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Journal for Mortal {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        mortal!(self, self.0.arm(fault, limits))
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        mortal!(self, self.0.mark(fault, mark))
    }

    async fn find(&self, query: &FaultQuery) -> Result<Found> {
        mortal!(self, self.0.find(query))
    }

    async fn pending(&self) -> Result<Found> {
        mortal!(self, self.0.pending())
    }

    async fn orphans(&self, now: Timestamp) -> Result<Found> {
        mortal!(self, self.0.orphans(now))
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
        mortal!(self, self.0.set_halt(halt))
    }

    // The polls of a hold are as many as its seconds.
    async fn halt(&self) -> Result<Option<Halt>> {
        self.0.halt().await
    }

    async fn note_due(&self, note: &DueNote) -> Result<()> {
        mortal!(self, self.0.note_due(note))
    }

    async fn dues(&self, query: &DueQuery) -> Result<FoundDues> {
        mortal!(self, self.0.dues(query))
    }

    async fn keep_schedule(&self, proposed: &KeptSchedule) -> Result<KeptSchedule> {
        mortal!(self, self.0.keep_schedule(proposed))
    }

    async fn forget(&self, forget: &Forget) -> Result<Forgotten> {
        mortal!(self, self.0.forget(forget))
    }
}

/// From the first look to the line of the last due, with the runtime gone before and after every call to the journal.
/// One that was armed and never injected has used its due up, and nothing says that it was carried out.
#[test]
fn a_monkey_that_ends_with_its_runtime_at_any_point_of_a_day_leaves_a_line_for_each_due() {
    let day = date(2026, 3, 2);
    let (mut points, mut never_injected) = (0, 0);
    for point in 0.. {
        let (world, journal) = (world(), MemoryJournal::new());
        let ends = Ends::at(point);
        let (is_cut, at_cut) = runtime().block_on(async {
            let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T06:00:00Z")));
            let mortal = Mortal(journal.clone(), Arc::clone(&ends));
            let monkey = builder(&world, &journal, &clock).seed(42).unleash(mortal, registry());
            let monkey = monkey.build().unwrap();
            tokio::select! {
                biased;
                () = ends.is_over.notified() => (true, clock.now()),
                ended = monkey.run(until(&clock, "2026-03-03T00:30:00Z")) => {
                    ended.unwrap();
                    (false, clock.now())
                }
            }
        });
        // The runtime is gone, and every task with it.
        runtime().block_on(async {
            let clock = Arc::new(ManualClock::starting_at(at_cut));
            let monkey = builder(&world, &journal, &clock).seed(42).build().unwrap();
            monkey.run(until(&clock, "2026-03-03T01:00:00Z")).await.unwrap();
            assert!(journal.pending().await.unwrap().faults.is_empty(), "point {point}");
            assert_once(&journal).await;
            let mut all = dues(&journal).await;
            all.retain(|due| due.id.day == day);
            let known: BTreeSet<_> = all.iter().map(|due| due.id.group.path()).collect();
            assert_eq!(known, BTreeSet::from(GROUPS), "point {point}");
            for due in &all {
                if due.state == DueState::CarriedOut {
                    assert_eq!(due.faults.len(), 1, "point {point}: {due:?}");
                    continue;
                }
                let unused = due.stops.iter().any(|stop| stop.why.contains("was armed, but not injected"));
                assert!(unused && due.state == DueState::Missed, "point {point}: {due:?}");
                never_injected += 1;
            }
        });
        if !is_cut {
            break;
        }
        points += 1;
    }
    // Of each of the three faults alone, nine calls: the arming, four marks, the looks, the notes.
    assert!(points > 60, "only {points} points were met");
    assert!(never_injected > 0, "no point was between an arming and its injection");
}
