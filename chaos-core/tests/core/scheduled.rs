//! A monkey that a schedule drives: each due is carried out once, whatever ends and begins again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use chaos_core::{
    BlastRadius, BusinessHours, Calendar, GroupId, Hold, Journal, MemoryJournal, Monkey, MonkeyBuilder,
    Outcome, Quota, Registry,
    clock::Clock,
    fault::FaultState,
    journal::FaultQuery,
    monkey::RunId,
    schedule::Schedule,
    testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
};
use jiff::{Timestamp, civil::Date};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn office() -> impl Calendar {
    BusinessHours::new("UTC").unwrap().hours(9, 15)
}

fn world() -> MemoryProvider {
    ["a", "b", "c"]
        .into_iter()
        .fold(MemoryProvider::default(), |world, name| world.with_group(name, 5).unwrap())
}

fn schedule(mean: f64, least: u32) -> Schedule {
    Schedule::new("UTC").unwrap().mean(mean).unwrap().least(least).unwrap()
}

fn builder(world: &MemoryProvider, journal: &MemoryJournal, clock: &Arc<ManualClock>) -> MonkeyBuilder {
    Monkey::builder()
        .provider(world.clone())
        .event(PowerOff::lasting(Hold::lasting(Duration::from_secs(60)).unwrap()))
        .calendar(office())
        .clock(Arc::clone(clock))
        .seed(42)
        .unleash(journal.clone(), Registry::default().register::<PowerOn>())
}

/// The runs that have hit each group on each day.
async fn hits(journal: &MemoryJournal) -> BTreeMap<(GroupId, Date), BTreeSet<RunId>> {
    let mut hits: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for fault in journal.find(&FaultQuery::all()).await.unwrap().faults {
        let due = fault.due.unwrap();
        assert_eq!(due.day, fault.armed_at.to_zoned(jiff::tz::TimeZone::UTC).date(), "{fault:?}");
        hits.entry((fault.group, due.day)).or_default().insert(due.run);
    }
    hits
}

async fn until(clock: &ManualClock, end: &str) {
    let wait = at(end).duration_since(clock.now());
    clock.sleep(wait.unsigned_abs()).await;
}

/// From Monday to the next Tuesday: seven open days, three groups.
#[tokio::test(start_paused = true)]
async fn every_group_is_hit_once_on_each_open_day() {
    let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T06:00:00Z")));
    let (world, journal) = (world(), MemoryJournal::new());
    let monkey = builder(&world, &journal, &clock).schedule(schedule(1.0, 1)).build().unwrap();
    monkey.run(until(&clock, "2026-03-10T18:00:00Z")).await.unwrap();
    let hits = hits(&journal).await;
    assert_eq!(hits.len(), 7 * 3, "{hits:?}");
    assert!(hits.values().all(|runs| runs.len() == 1), "{hits:?}");
    assert!(journal.pending().await.unwrap().faults.is_empty());
}

/// The same days and instants as without an end in between, and nothing twice.
#[tokio::test(start_paused = true)]
async fn a_monkey_that_is_dropped_at_any_moment_carries_each_due_out_once() {
    for round in 1..=20_u64 {
        let mut lives = 0;
        let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T06:00:00Z")));
        let (world, journal) = (world(), MemoryJournal::new());
        let end = at("2026-03-07T00:00:00Z");
        while clock.now() < end {
            let monkey = builder(&world, &journal, &clock).schedule(schedule(1.0, 1)).build().unwrap();
            lives += 1;
            // Up to four hours.
            let life = Duration::from_secs(1 + (round * 7919 + lives * 104_729) % 14_400);
            // Dropped, its holds are cut short, and its recoveries go on.
            tokio::select! {
                ended = monkey.run(std::future::pending()) => panic!("it ended by itself: {ended:?}"),
                () = clock.sleep(life) => {}
            }
            monkey.idle().await;
        }
        let hits = hits(&journal).await;
        assert!(hits.values().all(|runs| runs.len() == 1), "{hits:?}");
        assert_eq!(hits.len(), 5 * 3, "{hits:?}");
        assert!(journal.pending().await.unwrap().faults.is_empty());
    }
}

/// Two monkeys over one journal, which draw the same dues, or others: a due is named by its group and day alone.
#[tokio::test(start_paused = true)]
async fn two_monkeys_carry_each_due_out_once() {
    for seed in [42, 43] {
        let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T06:00:00Z")));
        let (world, journal) = (world(), MemoryJournal::new());
        // Only the dues keep them apart: no limit does.
        let wide =
            BlastRadius::default().targets_per_group(4).targets_per_run(2).max_active(99).min_healthy(0);
        let monkey = |seed| {
            let builder = builder(&world, &journal, &clock).blast_radius(wide.clone());
            builder.seed(seed).schedule(schedule(1.0, 1)).build().unwrap()
        };
        let (one, other) = (monkey(42), monkey(seed));
        let end = "2026-03-14T00:00:00Z";
        let (first, second) = tokio::join!(one.run(until(&clock, end)), other.run(until(&clock, end)));
        first.and(second).unwrap();
        let hits = hits(&journal).await;
        assert!(hits.values().all(|runs| runs.len() == 1), "{hits:?}");
        assert_eq!(hits.len(), 10 * 3, "{hits:?}");
    }
}

/// What a guard stops is tried again on the day.
#[tokio::test(start_paused = true)]
async fn what_is_stopped_stays_due() {
    let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T06:00:00Z")));
    let (world, journal) = (world(), MemoryJournal::new());
    let monkey = builder(&world, &journal, &clock).schedule(schedule(1.0, 1)).build().unwrap();
    journal.set_halt(Some(chaos_core::journal::Halt::new("a person is at work", clock.now()))).await.unwrap();
    let freed = async {
        until(&clock, "2026-03-02T14:00:00Z").await;
        assert!(hits(&journal).await.is_empty());
        journal.set_halt(None).await.unwrap();
        until(&clock, "2026-03-02T18:00:00Z").await;
    };
    monkey.run(freed).await.unwrap();
    let faults = journal.find(&FaultQuery::all()).await.unwrap().faults;
    assert_eq!(faults.len(), 3, "{faults:?}");
    assert!(faults.iter().all(|fault| fault.state == FaultState::Recovered));
    let first = faults.iter().map(|fault| fault.armed_at).min().unwrap();
    assert!(first <= at("2026-03-02T14:05:01Z"), "{first}");
}

/// Whoever has injected it.
#[tokio::test(start_paused = true)]
async fn a_group_that_was_hit_by_hand_is_not_due() {
    let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T09:00:00Z")));
    let (world, journal) = (world(), MemoryJournal::new());
    let by_hand = builder(&world, &journal, &clock).build().unwrap();
    let report = by_hand.inject(PowerOff::default(), &"memory:a/machine-0".parse().unwrap()).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    let monkey = builder(&world, &journal, &clock).schedule(schedule(1.0, 1)).build().unwrap();
    monkey.run(until(&clock, "2026-03-02T18:00:00Z")).await.unwrap();
    let faults = journal.find(&FaultQuery::all()).await.unwrap().faults;
    let groups: Vec<&str> =
        faults.iter().filter(|fault| fault.due.is_some()).map(|fault| fault.group.path()).collect();
    assert!(groups.len() == 2 && !groups.contains(&"a"), "{faults:?}");
}

/// A share of one group may be nobody.
#[test]
fn a_schedule_takes_no_share_of_a_run() {
    let tenth = BlastRadius::default().targets_per_run("10%".parse::<Quota>().unwrap());
    let builder = Monkey::builder().provider(world()).seed(1).schedule(schedule(5.0, 2)).blast_radius(tenth);
    let error = builder.build().unwrap_err().to_string();
    assert!(error.starts_with("invalid targets_per_run: 10%; expected a number or 100%"), "{error}");
}

/// A program may run it in a task of its own.
#[tokio::test(start_paused = true)]
async fn its_life_can_be_a_task() {
    let clock = Arc::new(ManualClock::starting_at(at("2026-03-02T06:00:00Z")));
    let (world, journal) = (world(), MemoryJournal::new());
    let monkey = builder(&world, &journal, &clock).schedule(schedule(1.0, 1)).build().unwrap();
    let life = tokio::spawn(async move { monkey.run(until(&clock, "2026-03-02T18:00:00Z")).await });
    life.await.unwrap().unwrap();
    assert_eq!(hits(&journal).await.len(), 3);
}
