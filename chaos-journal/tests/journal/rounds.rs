//! Two services and a drill over one journal on disk, round after round.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use chaos_core::{
    GroupId, Journal,
    calendar::Always,
    chance::{Entropy, SystemEntropy},
    fault::{FaultRecord, FaultState, Magnitude, Mark},
    journal::{Arming, DueQuery, DueState, FaultQuery, Lease, Limits},
    recovery::RecoveryRecord,
    schedule::{OpenDays, Schedule, TakenDue},
};
use chaos_journal::SqlJournal;
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};
use tokio::sync::Barrier;

const GROUPS: [&str; 2] = ["local:web", "local:shop"];
const LEAST: i32 = 2;
const COOL_DOWN: SignedDuration = SignedDuration::from_hours(60);

fn day(round: u64) -> Date {
    Date::constant(2026, 3, 2).saturating_add(i64::try_from(round).unwrap().days())
}

fn at(day: Date, seconds: u64) -> Timestamp {
    let start = day.to_zoned(TimeZone::UTC).unwrap().timestamp();
    start + SignedDuration::from_hours(10) + SignedDuration::from_secs(i64::try_from(seconds).unwrap())
}

/// In every other round the limits alone would keep nobody apart.
fn limits(round: u64) -> Limits {
    let (in_group, in_total) = if round.is_multiple_of(2) { (1, 1) } else { (3, 6) };
    Limits::none().group_active(in_group).total_active(in_total).cool_down(COOL_DOWN.unsigned_abs())
}

fn fault(id: u64, group: &str, machine: u64, armed_at: Timestamp) -> FaultRecord {
    FaultRecord::armed(
        format!("{id:016x}").parse().unwrap(),
        id,
        format!("{group}/{machine}").parse().unwrap(),
        "stop",
        RecoveryRecord::new("test/nothing/1", serde_json::json!({})),
        Magnitude::default(),
        armed_at,
        armed_at + SignedDuration::from_secs(60),
    )
}

/// Arms, and begins the injection.
async fn strike(journal: &SqlJournal, fault: FaultRecord, round: u64) -> Option<(FaultRecord, Lease)> {
    match journal.arm(&fault, &limits(round)).await.unwrap() {
        Arming::Refused(_) => None,
        Arming::Armed(lease) => {
            let mark = Mark::new(FaultState::Injecting, fault.armed_at);
            journal.mark(fault.id, &mark).await.unwrap();
            Some((fault, lease))
        }
    }
}

/// One service: what its schedule makes due, by the journal as it is when it looks.
async fn serve(journal: &SqlJournal, days: &OpenDays, number: u64, round: u64) -> Vec<(FaultRecord, Lease)> {
    let schedule = schedule();
    let mut struck = Vec::new();
    for (index, group) in (0..).zip(GROUPS) {
        let id: GroupId = group.parse().unwrap();
        let last = FaultQuery::all().group(id.clone()).limit(1);
        let last = journal.find(&last).await.unwrap().faults.pop().map(|fault| fault.armed_at);
        if schedule.due(days, 42, &id, day(round), last).is_none() {
            continue;
        }
        let fault_id = 1_000 * round + 10 * number + index;
        let mut fault = fault(fault_id, group, (round + number) % 7, at(day(round), number));
        fault.due = Some(TakenDue::new(day(round), format!("{fault_id:016x}").parse().unwrap(), last));
        struck.extend(strike(journal, fault, round).await);
    }
    struck
}

/// On every open day on which it may be.
fn schedule() -> Schedule {
    let least = u32::try_from(LEAST).unwrap();
    Schedule::new("UTC").unwrap().mean(f64::from(LEAST)).unwrap().least(least).unwrap()
}

/// A person, who has no schedule and comes later on the day.
async fn drill(journal: &SqlJournal, round: u64, draw: u64) -> Vec<(FaultRecord, Lease)> {
    let group = GROUPS[usize::try_from(draw % 2).unwrap()];
    let fault = fault(1_000 * round + 900, group, draw % 7, at(day(round), 3_600));
    strike(journal, fault, round).await.into_iter().collect()
}

async fn open(path: &Path) -> Arc<SqlJournal> {
    Arc::new(SqlJournal::open(path).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn two_services_and_a_drill_exceed_no_limit_and_strike_no_due_twice() {
    let is_long = std::env::var_os("CHAOS_LONG").is_some_and(|value| value == "1");
    let rounds = if is_long { 500 } else { 60 };
    let seed = std::env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| SystemEntropy::default().draw().unwrap());
    println!("CHAOS_SEED={seed}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j");
    // Handles of their own, as processes have them.
    let journals = [open(&path).await, open(&path).await, open(&path).await];
    let days = Arc::new(schedule().open_days(Always, Duration::from_secs(360)));
    let mut draw = seed;
    for round in 0..rounds {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (drawn, begin) = (draw >> 33, Arc::new(Barrier::new(3)));
        let tasks = (0..).zip(&journals).map(|(number, journal)| {
            let (journal, days, begin) = (Arc::clone(journal), Arc::clone(&days), Arc::clone(&begin));
            tokio::spawn(async move {
                begin.wait().await;
                match number {
                    2 if drawn.is_multiple_of(3) => drill(&journal, round, drawn / 3).await,
                    2 => Vec::new(),
                    number => serve(&journal, &days, number, round).await,
                }
            })
        });
        let tasks: Vec<_> = tasks.collect();
        let mut struck = Vec::new();
        for task in tasks {
            struck.extend(task.await.unwrap());
        }
        let pending = journals[0].pending().await.unwrap().faults;
        assert_eq!(pending.len(), struck.len(), "round {round}");
        let limits = limits(round);
        assert!(pending.len() <= limits.total_active, "round {round}: {pending:?}");
        for group in GROUPS {
            let in_group = pending.iter().filter(|fault| fault.group.as_str() == group).count();
            assert!(in_group <= limits.group_active, "round {round}: {pending:?}");
        }
        for (fault, _lease) in struck {
            for state in [FaultState::Active, FaultState::Recovering, FaultState::Recovered] {
                journals[1].mark(fault.id, &Mark::new(state, fault.armed_at)).await.unwrap();
            }
        }
    }
    assert_sound(&journals[2], rounds).await;
}

async fn assert_sound(journal: &SqlJournal, rounds: u64) {
    let faults = journal.find(&FaultQuery::all()).await.unwrap().faults;
    let mut runs = BTreeMap::<_, BTreeSet<_>>::new();
    let (mut last_in_group, mut last_on_target) = (BTreeMap::new(), BTreeMap::new());
    for fault in &faults {
        if let Some(before) = last_on_target.insert(&fault.target, fault.injecting_at.unwrap()) {
            assert!(fault.injecting_at.unwrap().duration_since(before) >= COOL_DOWN, "{fault:?}");
        }
        let date = fault.armed_at.to_zoned(TimeZone::UTC).date();
        let before: Option<Date> = last_in_group.insert(&fault.group, date);
        if let Some(due) = fault.due {
            runs.entry((&fault.group, due.day)).or_default().insert(due.run);
            let distance = before.map_or(LEAST, |before| (date - before).get_days());
            assert!(distance >= LEAST, "{distance} days after the last fault: {fault:?}");
        }
    }
    assert!(runs.values().all(|runs| runs.len() == 1), "{runs:?}");
    let carried_out = journal.dues(&DueQuery::all().state(DueState::CarriedOut)).await.unwrap().dues;
    let told: BTreeSet<_> = carried_out.iter().map(|due| (&due.id.group, due.id.day)).collect();
    assert_eq!(told, runs.keys().copied().collect());
    // Every other day at best, less where a drill or a cool-down came in between.
    let (least, by_hand) = (rounds / 5, faults.iter().filter(|fault| fault.due.is_none()).count());
    println!("{} dues carried out, {by_hand} faults by hand", runs.len());
    assert!(runs.len() as u64 > least && by_hand > 0, "{} dues, {by_hand} by hand", runs.len());
}
