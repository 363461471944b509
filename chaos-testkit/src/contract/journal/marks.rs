//! Marks: the steps of a fault.

use chaos_core::{
    ErrorKind, Journal, Result,
    error::Failure,
    fault::{FaultState, Magnitude, Mark, Milestone, Reached},
};
use jiff::Timestamp;

use super::entries::{HOSTILE, all, arm_as, fault, id, instant, later};
use crate::report::{Checked, Suite, ensure, violated};

pub(super) async fn check<J: Journal, P>(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<(J, P)>) {
    suite
        .check("a fault goes from state to state as it may", async {
            let (journal, _place) = fresh().await?;
            transitions(&journal).await
        })
        .await;
    suite
        .check("an unknown fault cannot be marked", async {
            let (journal, _place) = fresh().await?;
            let marked = journal.mark(id(7)?, &Mark::new(FaultState::Recovering, instant(0))).await;
            match marked {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => return violated(format!("marking a fault that does not exist returned {other:?}")),
            }
            let found = all(&journal).await?;
            ensure!(found.is_empty(), "marking a fault that does not exist created {found:?}");
            Ok(())
        })
        .await;
    suite
        .check("a mark is kept with all that it carries", async {
            let (journal, _place) = fresh().await?;
            carried(&journal).await
        })
        .await;
}

/// All 36 pairs.
async fn transitions(journal: &impl Journal) -> Checked {
    let pairs = FaultState::ALL.into_iter().flat_map(|from| FaultState::ALL.map(|to| (from, to)));
    for (number, (from, to)) in pairs.enumerate() {
        let fault = fault(number as u64, &format!("memory:web/machine-{number}"))?;
        let (mut expected, _lease) = arm_as(journal, &fault, from).await?;
        let mark = Mark::new(to, later(fault.armed_at, 20));
        let marked = journal.mark(fault.id, &mark).await;
        match (from.may_become(to), marked) {
            (true, Ok(())) => expected.apply(&mark),
            (false, Err(error)) if error.kind() == ErrorKind::Conflict => {}
            (true, Err(error)) => {
                return violated(format!("{from} may become {to}, but that failed: {}", error.chain()));
            }
            (false, other) => {
                return violated(format!("{from} may not become {to}, but that returned {other:?}"));
            }
        }
        let found =
            journal.find(&chaos_core::journal::FaultQuery::all().target(fault.target.clone())).await?.faults;
        ensure!(
            found == [expected.clone()],
            "after {from} was marked {to}, {expected:?} was found as {found:?}"
        );
    }
    Ok(())
}

async fn carried(journal: &impl Journal) -> Checked {
    let fault = fault(1, "memory:web/machine-1")?;
    let (mut expected, _lease) = arm_as(journal, &fault, FaultState::Armed).await?;
    let numbers = |pairs: &[(&str, f64)]| {
        let mut magnitude = Magnitude::default();
        for (name, value) in pairs {
            magnitude.set(*name, *value);
        }
        magnitude
    };
    let failure = |message: &str| Some(Failure::new(ErrorKind::Timeout, message));
    let marks = [
        Mark::new(FaultState::Injecting, instant(2)),
        // How far an injection has come. A later value takes the place of an earlier one.
        Mark::new(FaultState::Injecting, instant(2)).progress("steps", 1).progress(HOSTILE, HOSTILE),
        Mark::new(FaultState::Injecting, instant(3))
            .progress("steps", serde_json::json!({ "begun": [1, 2.5, null] })),
        Mark::new(FaultState::Active, instant(3))
            .achieved(numbers(&[("seconds", 59.5), (HOSTILE, 0.1)]))
            .failure(failure("first\nsecond")),
        Mark::new(FaultState::Recovering, instant(4))
            .milestones(vec![Reached::new(Milestone::DetectedUnhealthy, instant(4))])
            .note(Some("a note".to_owned())),
        // Neither a repeated value nor an absent one may overwrite a stored one.
        Mark::new(FaultState::Recovering, instant(5)).milestones(vec![
            Reached::new(Milestone::DetectedUnhealthy, instant(5)),
            Reached::new(Milestone::Replaced, instant(5)),
        ]),
        Mark::new(FaultState::RecoveryFailed, instant(6)).failure(failure(HOSTILE)),
        Mark::new(FaultState::Recovering, instant(7)),
        Mark::new(FaultState::Recovered, Timestamp::MAX)
            .achieved(numbers(&[("seconds", f64::MAX), ("more", 1e-300)]))
            .milestones(vec![Reached::new(Milestone::Healthy, Timestamp::MIN)])
            .note(Some(HOSTILE.to_owned())),
        Mark::new(FaultState::Recovered, instant(9)),
    ];
    for mark in marks {
        journal.mark(fault.id, &mark).await?;
        expected.apply(&mark);
        let found = all(journal).await?;
        ensure!(found == [expected.clone()], "after {mark:?}, {expected:?} was found as {found:?}");
    }
    Ok(())
}
