//! Finding faults again.

use chaos_core::{
    Journal, Result,
    fault::{FaultRecord, FaultState},
    journal::FaultQuery,
};

use super::entries::{all, arm_as, fault, ids, instant, later};
use crate::{
    Timing,
    report::{Checked, Suite, ensure},
};

pub(super) async fn check<J: Journal, P>(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<(J, P)>) {
    let timing = suite.timing;
    suite
        .check("each filter finds what matches it", async {
            let (journal, _place) = fresh().await?;
            filters(&journal).await
        })
        .await;
    suite
        .check("faults are found oldest first, and a limit keeps the newest", async {
            let (journal, _place) = fresh().await?;
            order(&journal).await
        })
        .await;
    suite
        .check("all but the recovered are pending", async {
            let (journal, _place) = fresh().await?;
            let mut expected = Vec::new();
            for (number, state) in FaultState::ALL.into_iter().enumerate() {
                let fault = fault(number as u64, &format!("memory:web/machine-{number}"))?;
                let (fault, _lease) = arm_as(&journal, &fault, state).await?;
                if state.is_pending() {
                    expected.push(fault);
                }
            }
            let pending = journal.pending().await?.faults;
            ensure!(pending == expected, "{expected:?} should be pending, but {pending:?} is");
            Ok(())
        })
        .await;
    suite
        .check("a pending fault is an orphan once its lease is dropped", async {
            let (journal, _place) = fresh().await?;
            orphans(timing, &journal).await
        })
        .await;
    suite
        .check("an overdue fault is an orphan although it is held", async {
            let (journal, _place) = fresh().await?;
            overdue(&journal).await
        })
        .await;
}

async fn filters(journal: &impl Journal) -> Checked {
    let mut expected: Vec<FaultRecord> = Vec::new();
    let groups = ["web", "web/nested", "db"];
    for number in 0..12_u64 {
        let group = groups[number as usize % groups.len()];
        // Names that a pattern match would confuse: `machine_1` and `machine-1`, `machine-1` and `machine-10`.
        let name = ["machine-1", "machine_1", "machine-10", "MACHINE-1"][number as usize / groups.len()];
        let mut fault = fault(number, &format!("memory:{group}/{name}"))?;
        fault.event = ["stop", "stop%", "STOP"][number as usize % 3].to_owned();
        let state = FaultState::ALL[number as usize % FaultState::ALL.len()];
        expected.push(arm_as(journal, &fault, state).await?.0);
    }
    let mut queries = vec![
        FaultQuery::all(),
        FaultQuery::all().since(instant(5)),
        FaultQuery::all().before(instant(5)),
        FaultQuery::all().since(instant(3)).before(instant(9)).limit(2),
        FaultQuery::all().since(instant(9)).before(instant(3)),
        FaultQuery::all().event("no-such-event"),
        FaultQuery::all().target("memory:web/no-such-machine".parse()?),
        FaultQuery::all().group("memory:no-such-group".parse()?),
    ];
    queries.extend(expected.iter().map(|fault| FaultQuery::all().target(fault.target.clone())));
    for group in groups {
        let group: chaos_core::GroupId = format!("memory:{group}").parse()?;
        queries.push(FaultQuery::all().group(group.clone()));
        queries.push(FaultQuery::all().group(group.clone()).event("stop").limit(1));
    }
    queries.extend(["stop", "stop%", "STOP"].map(|event| FaultQuery::all().event(event)));
    queries.extend(FaultState::ALL.map(|state| FaultQuery::all().state(state)));
    for query in queries {
        let mut matching: Vec<FaultRecord> =
            expected.iter().filter(|fault| query.matches(fault)).cloned().collect();
        let surplus = query.limit.map_or(0, |limit| matching.len().saturating_sub(limit));
        let matching = matching.split_off(surplus);
        let found = journal.find(&query).await?.faults;
        ensure!(found == matching, "{query:?} matches {:?}, but found {:?}", ids(&matching), ids(&found));
    }
    Ok(())
}

/// The faults are armed in another order than that of their times, because a clock may be set back.
async fn order(journal: &impl Journal) -> Checked {
    for number in [3, 1, 5, 2, 4] {
        let fault = fault(number, &format!("memory:web/machine-{number}"))?;
        arm_as(journal, &fault, FaultState::Armed).await?;
    }
    let mut expected = Vec::new();
    for number in 1..=5 {
        expected.push(super::entries::id(number)?);
    }
    let found = ids(&all(journal).await?);
    ensure!(found == expected, "their order is {expected:?}, but they were found as {found:?}");
    for limit in [0, 1, 3, 5, usize::MAX] {
        let newest = &expected[5_usize.saturating_sub(limit)..];
        let found = ids(&journal.find(&FaultQuery::all().limit(limit)).await?.faults);
        ensure!(found == newest, "the newest {limit} are {newest:?}, but {found:?} was found");
    }
    Ok(())
}

async fn orphans(timing: &Timing, journal: &impl Journal) -> Checked {
    let (held, lease) = arm_as(journal, &fault(1, "memory:web/machine-1")?, FaultState::Active).await?;
    let (left, dropped) = arm_as(journal, &fault(2, "memory:web/machine-2")?, FaultState::Injecting).await?;
    let (_, over) = arm_as(journal, &fault(3, "memory:web/machine-3")?, FaultState::Recovered).await?;
    let found = journal.orphans(jiff::Timestamp::UNIX_EPOCH).await?.faults;
    ensure!(found.is_empty(), "every lease is held, but {:?} are orphans", ids(&found));
    drop((dropped, over));
    orphans_become(timing, journal, std::slice::from_ref(&left)).await?;
    drop(lease);
    orphans_become(timing, journal, &[held, left]).await
}

/// A lease proves that a process exists, not that it acts.
async fn overdue(journal: &impl Journal) -> Checked {
    let (held, _lease) = arm_as(journal, &fault(1, "memory:web/machine-1")?, FaultState::Active).await?;
    let (_, _over) = arm_as(journal, &fault(2, "memory:web/machine-2")?, FaultState::Recovered).await?;
    let found = journal.orphans(held.recover_by).await?.faults;
    ensure!(found.is_empty(), "the recovery may still be in progress, but {:?} are orphans", ids(&found));
    let found = journal.orphans(later(held.recover_by, 1)).await?.faults;
    ensure!(found == [held], "the first alone is overdue, but {:?} are orphans", ids(&found));
    Ok(())
}

/// A lease may be released a moment after it was dropped.
pub(super) async fn orphans_become(
    timing: &Timing,
    journal: &impl Journal,
    expected: &[FaultRecord],
) -> Checked {
    let watch = timing.watch_settling();
    loop {
        let found = journal.orphans(jiff::Timestamp::UNIX_EPOCH).await?.faults;
        if found == expected {
            return Ok(());
        }
        ensure!(watch.again().await, "{:?} should be orphans, but {:?} are", ids(expected), ids(&found));
    }
}
