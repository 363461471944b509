//! What came of dues, what monkeys with a schedule share, and what is forgotten.

use std::time::Duration;

use chaos_core::{
    FaultId, Journal, Result,
    fault::{FaultRecord, FaultState, Mark},
    journal::{DueNote, DueQuery, DueRecord, DueState, Forget, KeptSchedule, Limits, forget_all},
    schedule::{DueId, TakenDue},
};
use jiff::{
    ToSpan,
    civil::{Date, date},
};

use super::entries::{HOSTILE, all, arm, arm_as, arm_within, fault, ids, instant, later};
use crate::report::{Checked, Suite, ensure};

/// The day of the suite's fixed instant.
const DAY: Date = date(2026, 3, 2);

pub(super) async fn check<J: Journal, P>(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<(J, P)>) {
    suite
        .check("what stopped a due reads back, each reason once", async {
            let (journal, _place) = fresh().await?;
            stops(&journal).await
        })
        .await;
    suite
        .check("dues are found by day and group, and each filter finds what matches it", async {
            let (journal, _place) = fresh().await?;
            filters(&journal).await
        })
        .await;
    suite
        .check("a due is carried out if its fault says so, whatever was noted", async {
            let (journal, _place) = fresh().await?;
            faults_tell(&journal).await
        })
        .await;
    suite
        .check("a rehearsal says nothing of the due that is carried out", async {
            let (journal, _place) = fresh().await?;
            rehearsed(&journal).await
        })
        .await;
    suite
        .check("the first seed of a schedule is kept, and the latest look", async {
            let (journal, _place) = fresh().await?;
            schedule(&journal).await
        })
        .await;
    suite
        .check("what is over is forgotten, and nothing that is needed", async {
            let (journal, _place) = fresh().await?;
            forget(&journal).await
        })
        .await;
    suite
        .check("a due outlives its forgotten faults", async {
            let (journal, _place) = fresh().await?;
            outlives(&journal).await
        })
        .await;
}

/// Notes one due and keeps a seed, so that another handle can read them back.
pub(super) async fn keep_some(journal: &impl Journal) -> Result<(Vec<DueRecord>, KeptSchedule)> {
    let note = DueNote::missed(due("memory:web", DAY)?, instant(2)).drawn(instant(1)).because([HOSTILE]);
    journal.note_due(&note).await?;
    let kept = KeptSchedule::default().seed(u64::MAX).looked_at(instant(3));
    journal.keep_schedule(&kept).await?;
    kept_by(journal).await
}

pub(super) async fn kept_by(journal: &impl Journal) -> Result<(Vec<DueRecord>, KeptSchedule)> {
    let dues = journal.dues(&DueQuery::all()).await?.dues;
    Ok((dues, journal.keep_schedule(&KeptSchedule::default()).await?))
}

fn due(group: &str, day: Date) -> Result<DueId> {
    Ok(DueId::new(group.parse()?, day))
}

async fn stops(journal: &impl Journal) -> Checked {
    let id = due(&format!("memory:{}", HOSTILE.replace('/', "-")), DAY)?;
    let long = "é".repeat(10_000);
    let mut expected: Option<DueRecord> = None;
    for round in 0..40 {
        let note = DueNote::open(id.clone(), instant(round)).drawn(instant(100 + round));
        let note = match round {
            0..20 => note.because([HOSTILE, "again"]),
            20 => note.because([long.clone()]),
            _ => note.because([format!("reason {round}")]),
        };
        let record = expected.get_or_insert_with(|| DueRecord::open(id.clone(), false, instant(round)));
        record.apply(&note);
        journal.note_due(&note).await?;
    }
    let found = journal.dues(&DueQuery::all()).await?;
    let expected: Vec<DueRecord> = expected.into_iter().collect();
    ensure!(found.dues == expected, "{expected:?} was found as {found:?}");
    ensure!(found.dues[0].at == Some(instant(100)), "the first instant that was drawn did not stay");
    Ok(())
}

async fn filters(journal: &impl Journal) -> Checked {
    let mut expected = Vec::new();
    for (number, state) in (0..).zip(DueState::ALL.into_iter().cycle().take(12)) {
        let day = DAY.saturating_add((number / 4).days());
        let group = format!("memory:g{}", 9 - number % 4);
        let mut note =
            DueNote::open(due(&group, day)?, instant(7)).rehearsed(state == DueState::WouldHaveBeen);
        note.state = state;
        journal.note_due(&note).await?;
        let mut record = DueRecord::open(note.id.clone(), note.rehearsed, note.now);
        record.apply(&note);
        expected.push(record);
    }
    expected.sort_by(DueRecord::order);
    let all = DueQuery::all();
    let mut queries = vec![
        all.clone(),
        all.clone().since(DAY.saturating_add(1.day())),
        all.clone().before(DAY.saturating_add(1.day())),
        all.clone().since(DAY.saturating_add(1.day())).before(DAY.saturating_add(2.days())),
        all.clone().group("memory:g7".parse()?),
        all.clone().group("memory:g".parse()?),
        all.clone().rehearsed(true),
        all.clone().rehearsed(false),
        all.clone().group("memory:g9".parse()?).state(DueState::Open).limit(2),
    ];
    queries.extend(DueState::ALL.map(|state| all.clone().state(state)));
    queries.extend([0, 1, 5, 100].map(|limit| all.clone().limit(limit)));
    for query in queries {
        let mut matching: Vec<_> = expected.iter().filter(|due| query.matches(due)).cloned().collect();
        matching.drain(..query.limit.map_or(0, |limit| matching.len().saturating_sub(limit)));
        let found = journal.dues(&query).await?.dues;
        ensure!(found == matching, "{query:?} should find {matching:?}, and found {found:?}");
    }
    Ok(())
}

/// A fault that carries out the due of `group` on the suite's day.
fn carrying(number: u64, target: &str) -> Result<FaultRecord> {
    let mut fault = fault(number, target)?;
    fault.due = Some(TakenDue::new(DAY, "00000000000000ff".parse()?, None));
    Ok(fault)
}

async fn the_due(journal: &impl Journal, group: &str) -> Result<Option<DueRecord>> {
    let query = DueQuery::all().group(group.parse()?).rehearsed(false);
    Ok(journal.dues(&query).await?.dues.pop())
}

async fn faults_tell(journal: &impl Journal) -> Checked {
    // The arming alone makes the record, and carries nothing out.
    let fault = carrying(1, "memory:web/machine-1")?;
    let _lease = arm(journal, &fault).await?;
    let told = the_due(journal, "memory:web").await?;
    let is_open = |due: &DueRecord| due.state == DueState::Open && due.faults == [fault.id];
    ensure!(told.as_ref().is_some_and(is_open), "a due whose fault is armed is told as {told:?}");
    let note = DueNote::missed(due("memory:web", DAY)?, instant(50)).because(["too late"]);
    journal.note_due(&note).await?;
    journal.mark(fault.id, &Mark::new(FaultState::Injecting, instant(51))).await?;
    // Whatever is said afterwards.
    journal.note_due(&note).await?;
    let told = the_due(journal, "memory:web").await?;
    let is_carried_out = |due: &DueRecord| {
        due.state == DueState::CarriedOut
            && due.faults == [fault.id]
            && due.run == fault.due.map(|due| due.run)
    };
    ensure!(told.as_ref().is_some_and(is_carried_out), "a due whose fault is injected is told as {told:?}");
    // Armed, and over without an injection.
    let never = carrying(2, "memory:db/machine-1")?;
    let _lease = arm(journal, &never).await?;
    journal.mark(never.id, &Mark::new(FaultState::Recovering, instant(60))).await?;
    journal.mark(never.id, &Mark::new(FaultState::Recovered, instant(61))).await?;
    let told = the_due(journal, "memory:db").await?;
    let is_missed = |due: &DueRecord| {
        due.state == DueState::Missed && due.stops.iter().any(|stop| stop.why.contains("not injected"))
    };
    ensure!(told.as_ref().is_some_and(is_missed), "a due whose fault was never injected is told as {told:?}");
    for (state, group) in [(DueState::CarriedOut, "memory:web"), (DueState::Missed, "memory:db")] {
        let found = journal.dues(&DueQuery::all().state(state)).await?.dues;
        let groups: Vec<&str> = found.iter().map(|due| due.id.group.as_str()).collect();
        ensure!(groups == [group], "the dues that are {state} are those of {groups:?}");
    }
    let open = journal.dues(&DueQuery::all().state(DueState::Open)).await?.dues;
    ensure!(open.is_empty(), "what is settled is open: {open:?}");
    Ok(())
}

async fn rehearsed(journal: &impl Journal) -> Checked {
    let id = due("memory:web", DAY)?;
    journal.note_due(&DueNote::would_have_been(id.clone(), instant(1))).await?;
    let fault = carrying(2, "memory:web/machine-1")?;
    let (_, _lease) = arm_as(journal, &fault, FaultState::Recovered).await?;
    journal.note_due(&DueNote::open(id, instant(3)).rehearsed(true)).await?;
    let dues = journal.dues(&DueQuery::all()).await?.dues;
    let told: Vec<_> = dues.iter().map(|due| (due.rehearsed, due.state, due.faults.len())).collect();
    let expected = [(false, DueState::CarriedOut, 1), (true, DueState::WouldHaveBeen, 0)];
    ensure!(told == expected, "a rehearsal and its due are told as {dues:?}");
    Ok(())
}

async fn schedule(journal: &impl Journal) -> Checked {
    let empty = journal.keep_schedule(&KeptSchedule::default()).await?;
    ensure!(empty == KeptSchedule::default(), "a fresh journal keeps {empty:?}");
    let looked = journal.keep_schedule(&KeptSchedule::default().looked_at(instant(5))).await?;
    ensure!(looked.seed.is_none() && looked.looked_at == Some(instant(5)), "a look is kept as {looked:?}");
    let first = journal.keep_schedule(&KeptSchedule::default().seed(u64::MAX)).await?;
    ensure!(first.seed == Some(u64::MAX), "the first seed is kept as {first:?}");
    let again = journal.keep_schedule(&KeptSchedule::default().seed(1).looked_at(instant(4))).await?;
    ensure!(again == first, "{first:?} became {again:?} by a second seed and an earlier look");
    let later = journal.keep_schedule(&KeptSchedule::default().looked_at(instant(6))).await?;
    ensure!(
        later.seed == first.seed && later.looked_at == Some(instant(6)),
        "a later look is kept as {later:?}"
    );
    Ok(())
}

/// Over at `before`: everything up to the tenth fault.
async fn forget(journal: &impl Journal) -> Checked {
    let cool_down = Limits::none().cool_down(Duration::from_secs(40));
    let now = instant(100);
    let recovered = async |number, target: &str| {
        let (fault, lease) = arm_as(journal, &fault(number, target)?, FaultState::Recovered).await?;
        drop(lease);
        Checked::Ok(fault.id)
    };
    let _over = (recovered(1, "memory:web/a").await?, recovered(2, "memory:web/b").await?);
    let last_of_db = recovered(3, "memory:db/a").await?;
    let (failed, _lease) = arm_as(journal, &fault(4, "memory:web/c")?, FaultState::RecoveryFailed).await?;
    let last_of_web = recovered(20, "memory:web/d").await?;
    for (group, day) in [("memory:web", 1), ("memory:db", 2), ("memory:open", 3)] {
        let id = due(group, DAY.saturating_sub(day.days()))?;
        let state = if day == 3 { DueState::Open } else { DueState::Missed };
        let mut note = DueNote::open(id, instant(0));
        note.state = state;
        journal.note_due(&note).await?;
    }
    let forgotten = forget_all(journal, &Forget::before(instant(10), now)).await?;
    let left = ids(&all(journal).await?);
    let needed: [FaultId; 3] = [last_of_db, failed.id, last_of_web];
    ensure!(left == needed, "of the faults, {left:?} are left, and {needed:?} should be");
    let dues = journal.dues(&DueQuery::all()).await?.dues;
    ensure!(
        dues.len() == 1 && dues[0].state == DueState::Open,
        "of the dues, {dues:?} are left, and the open one should be"
    );
    ensure!((forgotten.faults, forgotten.dues) == (2, 2), "it says that it has forgotten {forgotten:?}");
    let pending = ids(&journal.pending().await?.faults);
    ensure!(pending == [failed.id], "{pending:?} are pending, and {} should be", failed.id);
    let again = forget_all(journal, &Forget::before(instant(10), now)).await?;
    ensure!((again.faults, again.dues) == (0, 0), "nothing is left, and it has forgotten {again:?}");

    // What a cool-down may still need stays.
    let hot = fault(30, "memory:web/e")?;
    let _hot = arm_within(journal, &hot, &cool_down).await?;
    for state in [FaultState::Injecting, FaultState::Active, FaultState::Recovering, FaultState::Recovered] {
        journal.mark(hot.id, &Mark::new(state, later(hot.armed_at, 1))).await?;
    }
    let last = recovered(40, "memory:web/f").await?;
    forget_all(journal, &Forget::before(instant(60), later(hot.armed_at, 40))).await?;
    let left = ids(&all(journal).await?);
    ensure!(left.contains(&hot.id), "a fault within its cool-down was forgotten: {left:?} are left");
    forget_all(journal, &Forget::before(instant(60), later(hot.armed_at, 42))).await?;
    let left = ids(&all(journal).await?);
    ensure!(!left.contains(&hot.id) && left.contains(&last), "after its cool-down, {left:?} are left");
    Ok(())
}

async fn outlives(journal: &impl Journal) -> Checked {
    let (carried, _lease) =
        arm_as(journal, &carrying(1, "memory:web/machine-1")?, FaultState::Recovered).await?;
    let (last, _lease) = arm_as(journal, &fault(100, "memory:web/machine-1")?, FaultState::Recovered).await?;
    // On the same day: the due is not old enough.
    forget_all(journal, &Forget::before(instant(50), instant(1000))).await?;
    let left = ids(&all(journal).await?);
    ensure!(left == [last.id], "{left:?} are left, and the last one should be, without {}", carried.id);
    let told = the_due(journal, "memory:web").await?;
    let is_carried_out = |due: &DueRecord| due.state == DueState::CarriedOut && due.faults.is_empty();
    ensure!(told.as_ref().is_some_and(is_carried_out), "without its faults, the due is told as {told:?}");
    Ok(())
}
