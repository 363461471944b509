//! Arming and its limits.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    ErrorKind, Journal, Result,
    fault::{FaultState, Mark},
    journal::{Arming, Halt, Lease, Limits},
    monkey::RunId,
    plan::Reason,
    schedule::TakenDue,
};
use jiff::{Timestamp, civil::Date};

use super::entries::{HOSTILE, all, arm, arm_as, arm_within, fault, instant, later, refuse};
use crate::report::{Checked, Suite, ensure, violated};

pub(super) async fn check<J: Journal, P>(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<(J, P)>) {
    suite
        .check("a fresh journal is empty", async {
            let (journal, _place) = fresh().await?;
            let found = (
                all(&journal).await?,
                journal.pending().await?.faults,
                journal.orphans(jiff::Timestamp::UNIX_EPOCH).await?.faults,
            );
            ensure!(found == (vec![], vec![], vec![]), "it holds {found:?}");
            let halt = journal.halt().await?;
            ensure!(halt.is_none(), "it holds {halt:?}");
            Ok(())
        })
        .await;
    suite
        .check("what is armed reads back as it was", async {
            let (journal, _place) = fresh().await?;
            let mut fault = fault(1, "memory:web/machine-1")?;
            fault.note = Some("said beforehand".to_owned());
            fault.incarnation = Some("4711.158125".to_owned());
            let run = "00000000000000ff".parse()?;
            fault.due = Some(TakenDue::new(Date::constant(2026, 3, 2), run, Some(fault.armed_at)));
            let _lease = arm(&journal, &fault).await?;
            let (found, pending) = (all(&journal).await?, journal.pending().await?.faults);
            ensure!(found == [fault.clone()], "{fault:?} was found as {found:?}");
            ensure!(pending == [fault.clone()], "{fault:?} is pending as {pending:?}");
            Ok(())
        })
        .await;
    suite
        .check("hostile texts and extreme values survive", async {
            let (journal, _place) = fresh().await?;
            hostile(&journal).await
        })
        .await;
    suite
        .check("an id is armed once", async {
            let (journal, _place) = fresh().await?;
            armed_once(&journal).await
        })
        .await;
    suite
        .check("one pending fault for each target", async {
            let (journal, _place) = fresh().await?;
            one_for_each_target(&journal).await
        })
        .await;
    suite
        .check("the limit of a group", async {
            let (journal, _place) = fresh().await?;
            group_limit(&journal).await
        })
        .await;
    suite
        .check("an entry that counts in no limit", async {
            let (journal, _place) = fresh().await?;
            uncounted(&journal).await
        })
        .await;
    suite
        .check("the limit of the whole journal", async {
            let (journal, _place) = fresh().await?;
            total_limit(&journal).await
        })
        .await;
    suite
        .check("the cool-down", async {
            let (journal, _place) = fresh().await?;
            cool_down(&journal).await
        })
        .await;
    suite
        .check("a due is carried out by one run", async {
            let (journal, _place) = fresh().await?;
            one_run_for_each_due(&journal).await
        })
        .await;
    suite
        .check("a due ends if the group is hit after it was drawn", async {
            let (journal, _place) = fresh().await?;
            hit_since(&journal).await
        })
        .await;
    suite
        .check("a halt forbids arming until it is taken back", async {
            let (journal, _place) = fresh().await?;
            halt(&journal).await
        })
        .await;
    suite
        .check("arming at the same time never exceeds a limit", async {
            let (journal, _place) = fresh().await?;
            let journal = Arc::new(journal);
            concurrently(&[journal]).await
        })
        .await;
}

/// Whatever became of the faults of the other run, and on another target.
async fn one_run_for_each_due(journal: &impl Journal) -> Checked {
    let (day, next_day) = (Date::constant(2026, 3, 2), Date::constant(2026, 3, 3));
    let due = |number, target, day, run, last_fault| {
        let mut fault = fault(number, target)?;
        fault.due = Some(TakenDue::new(day, run, last_fault));
        Ok::<_, chaos_core::Error>(fault)
    };
    let (one, other): (RunId, RunId) = ("0000000000000001".parse()?, "0000000000000002".parse()?);
    let first = due(1, "memory:web/machine-1", day, one, None)?;
    let (_, _lease) = arm_as(journal, &first, FaultState::Recovered).await?;
    let same_run = due(2, "memory:web/machine-2", day, one, None)?;
    let _lease = arm(journal, &same_run).await?;
    let again = due(3, "memory:web/machine-3", day, other, Some(same_run.armed_at))?;
    match journal.arm(&again, &Limits::none()).await? {
        Arming::Refused(reason) if [first.id, same_run.id].map(Reason::due_taken).contains(&reason) => {}
        armed => return violated(format!("a due was carried out twice: {armed:?}")),
    }
    let found = all(journal).await?;
    ensure!(found.len() == 2, "a refusal changed the journal to {found:?}");
    let elsewhere = due(4, "memory:webs/machine-1", day, other, None)?;
    let _lease = arm(journal, &elsewhere).await?;
    let next = due(5, "memory:web/machine-3", next_day, other, Some(same_run.armed_at))?;
    let _lease = arm(journal, &next).await?;
    Ok(())
}

/// By a fault without a due, or by one of another day.
async fn hit_since(journal: &impl Journal) -> Checked {
    let run = "0000000000000001".parse()?;
    let before = fault(1, "memory:web/machine-1")?;
    let (_, _lease) = arm_as(journal, &before, FaultState::Recovered).await?;
    let mut due = fault(10, "memory:web/machine-2")?;
    due.due = Some(TakenDue::new(Date::constant(2026, 3, 2), run, None));
    refuse(journal, &due, &Limits::none(), Reason::hit_since(before.armed_at)).await?;
    let elsewhere = fault(3, "memory:webs/machine-1")?;
    let _lease = arm(journal, &elsewhere).await?;
    due.due = Some(TakenDue::new(Date::constant(2026, 3, 2), run, Some(before.armed_at)));
    let _lease = arm(journal, &due).await?;
    Ok(())
}

async fn hostile(journal: &impl Journal) -> Checked {
    let mut extreme = fault(u64::MAX, &format!("memory:{}/{HOSTILE}", "g/".repeat(300)))?;
    extreme.event = HOSTILE.to_owned();
    extreme.incarnation = Some(HOSTILE.to_owned());
    extreme.deadline = Timestamp::MAX;
    extreme.recovery = chaos_core::recovery::RecoveryRecord::new(
        HOSTILE,
        serde_json::json!({
            HOSTILE: HOSTILE.repeat(500), "lines": "one\ntwo\r\n\ttab\u{0}nul", "big": u64::MAX, "none": null,
            "nested": [[], {}, -1.5e-300],
        }),
    );
    extreme.requested.set(HOSTILE, f64::MAX);
    extreme.requested.set("smallest", f64::MIN_POSITIVE);
    extreme.requested.set("tenth", 0.1);
    let mut earliest = fault(0, "memory:web/machine-1")?;
    earliest.seed = 0;
    earliest.event = String::new();
    earliest.armed_at = Timestamp::MIN;
    earliest.deadline = Timestamp::MIN;
    // The last representable instant, with all digits of its fraction.
    extreme.armed_at = Timestamp::MAX;
    let _leases = (arm(journal, &earliest).await?, arm(journal, &extreme).await?);
    let found = all(journal).await?;
    ensure!(
        found == [earliest.clone(), extreme.clone()],
        "{earliest:?} and {extreme:?} were found as {found:?}"
    );
    let exact = journal
        .find(&chaos_core::journal::FaultQuery::all().event(HOSTILE).target(extreme.target.clone()))
        .await?
        .faults;
    ensure!(exact == [extreme], "a search for the hostile names found {exact:?}");
    Ok(())
}

async fn armed_once(journal: &impl Journal) -> Checked {
    let (first, _lease) = arm_as(journal, &fault(1, "memory:web/machine-1")?, FaultState::Recovered).await?;
    let again = fault(1, "memory:db/machine-2")?;
    match journal.arm(&again, &Limits::none()).await {
        Err(error) if error.kind() == ErrorKind::Conflict => {}
        other => return violated(format!("an id that already exists was armed as {other:?}")),
    }
    let found = all(journal).await?;
    ensure!(found == [first], "the conflict changed the journal to {found:?}");
    Ok(())
}

async fn one_for_each_target(journal: &impl Journal) -> Checked {
    for (number, state) in FaultState::ALL.into_iter().enumerate() {
        let number = 10 * number as u64;
        let target = format!("memory:web/machine-{number}");
        let first = fault(number + 1, &target)?;
        let second = fault(number + 2, &target)?;
        let (first, lease) = arm_as(journal, &first, state).await?;
        if state.is_pending() {
            let expected = Reason::under_fault(first.id, state);
            refuse(journal, &second, &Limits::none(), expected.clone()).await?;
            // It makes no difference whether a task takes care of the fault.
            drop(lease);
            refuse(journal, &second, &Limits::none(), expected).await?;
        } else {
            arm(journal, &second).await?;
        }
    }
    Ok(())
}

async fn group_limit(journal: &impl Journal) -> Checked {
    let limits = Limits::none().group_active(2);
    let _elsewhere = arm_within(journal, &fault(1, "memory:web/nested/machine-1")?, &limits).await?;
    let first = fault(2, "memory:web/machine-1")?;
    let _first = arm_within(journal, &first, &limits).await?;
    let _second = arm_within(journal, &fault(3, "memory:web/machine-2")?, &limits).await?;
    let third = fault(4, "memory:web/machine-3")?;
    refuse(journal, &third, &limits, Reason::group_limit(2, 2)).await?;
    for state in [FaultState::Recovering, FaultState::RecoveryFailed] {
        journal.mark(first.id, &Mark::new(state, instant(10))).await?;
        refuse(journal, &third, &limits, Reason::group_limit(2, 2)).await?;
    }
    recover(journal, &first).await?;
    arm_within(journal, &third, &limits).await.map(|_| ())
}

/// It is armed whatever the limits are, and uses up none of them. A halt and its target keep it back as any other.
async fn uncounted(journal: &impl Journal) -> Checked {
    let limits = Limits::none().group_active(1).total_active(1);
    let uncounted = |number, target: &str| {
        let mut fault = fault(number, target)?;
        fault.is_counted = false;
        Ok::<_, chaos_core::Error>(fault)
    };
    let first = uncounted(1, "memory:web/machine-1")?;
    let _first = arm_within(journal, &first, &limits).await?;
    let counted = fault(2, "memory:web/machine-2")?;
    let _counted = arm_within(journal, &counted, &limits).await?;
    let third = uncounted(3, "memory:web/machine-3")?;
    let _third = arm_within(journal, &third, &limits).await?;
    refuse(journal, &fault(4, "memory:web/machine-4")?, &limits, Reason::group_limit(1, 1)).await?;
    let found = all(journal).await?;
    ensure!(found == [first, counted, third], "entries that count in no limit were found as {found:?}");
    let again = uncounted(5, "memory:web/machine-1")?;
    let armed = journal.arm(&again, &limits).await?;
    ensure!(matches!(armed, Arming::Refused(_)), "a second fault was armed on one target");
    Ok(())
}

async fn total_limit(journal: &impl Journal) -> Checked {
    let limits = Limits::none().total_active(2);
    let first = fault(1, "memory:web/machine-1")?;
    let _first = arm_within(journal, &first, &limits).await?;
    let _second = arm_within(journal, &fault(2, "memory:db/machine-1")?, &limits).await?;
    let third = fault(3, "memory:cache/machine-1")?;
    refuse(journal, &third, &limits, Reason::active_limit(2, 2)).await?;
    recover(journal, &first).await?;
    arm_within(journal, &third, &limits).await?;
    let fourth = fault(4, "memory:queue/machine-1")?;
    refuse(journal, &fourth, &Limits::none().total_active(0), Reason::active_limit(2, 0)).await
}

async fn recover(journal: &impl Journal, fault: &chaos_core::fault::FaultRecord) -> Result<()> {
    let at = later(fault.armed_at, 30);
    journal.mark(fault.id, &Mark::new(FaultState::Recovering, at)).await?;
    journal.mark(fault.id, &Mark::new(FaultState::Recovered, at)).await
}

async fn cool_down(journal: &impl Journal) -> Checked {
    let limits = Limits::none().cool_down(Duration::from_secs(3600));
    let target = "memory:web/machine-1";
    let (first, _lease) = arm_as(journal, &fault(1, target)?, FaultState::Recovered).await?;
    let Some(begun) = first.injecting_at else {
        return violated("the fault has no time of injection");
    };
    let until = later(begun, 3600);
    let at = |number: u64, at: Timestamp| -> Result<_> {
        let mut fault = fault(number, target)?;
        fault.armed_at = at;
        Ok(fault)
    };
    let nanosecond = Duration::from_nanos(1);
    let too_early = at(2, until.checked_sub(nanosecond).unwrap_or(until))?;
    refuse(journal, &too_early, &limits, Reason::cooling_down(until)).await?;
    let longest = Limits::none().cool_down(Duration::MAX);
    refuse(journal, &too_early, &longest, Reason::cooling_down(Timestamp::MAX)).await?;

    let mut other_event = at(3, later(begun, 1))?;
    other_event.event = "another-event".to_owned();
    arm_within(journal, &other_event, &limits).await?;
    recover(journal, &other_event).await?;
    let mut other_target = fault(4, "memory:web/machine-2")?;
    other_target.armed_at = later(begun, 1);
    arm_within(journal, &other_target, &limits).await?;

    // A fault that was armed but never injected starts no cool-down.
    let never_injected = at(5, until)?;
    arm_within(journal, &never_injected, &limits).await?;
    recover(journal, &never_injected).await?;
    arm_within(journal, &at(6, later(until, 1))?, &limits).await.map(|_| ())
}

async fn halt(journal: &impl Journal) -> Checked {
    let fault = fault(1, "memory:web/machine-1")?;
    for reason in ["the pager rings", HOSTILE, "line one\nline two"] {
        let halt = Halt::new(reason, instant(5));
        journal.set_halt(Some(halt.clone())).await?;
        let found = journal.halt().await?;
        ensure!(found.as_ref() == Some(&halt), "{halt:?} reads back as {found:?}");
        refuse(journal, &fault, &Limits::none(), Reason::halted(reason)).await?;
    }
    journal.set_halt(None).await?;
    let found = journal.halt().await?;
    ensure!(found.is_none(), "the halt was taken back, but the journal holds {found:?}");
    arm(journal, &fault).await.map(|_| ())
}

/// Arms many faults at once over these handles, and counts how many passed each limit.
pub(super) async fn concurrently<J: Journal>(handles: &[Arc<J>]) -> Checked {
    const ATTEMPTS: u64 = 16;
    let limits = [
        ("group", 3, Limits::none().group_active(3)),
        ("total", 5, Limits::none().total_active(5)),
        ("target", 1, Limits::none()),
    ];
    let mut held: Vec<Lease> = Vec::new();
    for (round, (kind, expected, limits)) in limits.into_iter().enumerate() {
        let attempts = (0..ATTEMPTS).zip(handles.iter().cycle()).map(|(number, journal)| {
            let target = match kind {
                "target" => "memory:one/machine".to_owned(),
                "total" => format!("memory:group-{number}/machine"),
                kind => format!("memory:{kind}/machine-{number}"),
            };
            let fault = fault(100 * round as u64 + number, &target);
            let journal = Arc::clone(journal);
            tokio::spawn(async move { journal.arm(&fault?, &limits).await })
        });
        let attempts: Vec<_> = attempts.collect();
        let mut armed = held.len() * usize::from(kind == "total");
        for attempt in attempts {
            match attempt.await {
                Ok(Ok(Arming::Armed(lease))) => {
                    held.push(lease);
                    armed += 1;
                }
                Ok(Ok(Arming::Refused(_))) => {}
                Ok(Err(error)) => return Err(error.into()),
                Err(error) => return violated(format!("arming panicked: {error}")),
            }
        }
        ensure!(armed == expected, "with a limit of {expected} for the {kind}, {armed} were armed at once");
    }
    Ok(())
}
