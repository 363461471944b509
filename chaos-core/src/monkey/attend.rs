//! The victims of one run: a guarded task takes care of each, and the steady states are concluded as they end.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::{StreamExt, future::join, stream::FuturesUnordered};
use tokio::task::JoinError;

use super::{
    core::{Core, Cut, Run},
    courses::Courses,
    guard::{Guarded, guard},
    rehearsed::Rehearsed,
    report::{GroupSteadyState, Skip},
};
use crate::{
    error::{Error, ErrorKind, Result},
    fault::FaultRecord,
    group::TargetId,
    plan::Victim,
    steady_state::SteadyStateReport,
};

/// What came of the victims, in their order.
#[derive(Debug, Default)]
pub(super) struct Attended {
    pub(super) skipped: Vec<Skip>,
    pub(super) faults: Vec<FaultRecord>,
    pub(super) rehearsed: Vec<Rehearsed>,
    pub(super) steady_state: Option<SteadyStateReport>,
    pub(super) group_steady_states: Vec<GroupSteadyState>,
}

/// Takes care of the victims until each is back and the steady states are concluded.
pub(super) async fn attend(
    core: &Arc<Core>,
    victims: Vec<Victim>,
    run: Run,
    cut: &Cut,
    courses: &Courses,
) -> Result<Attended> {
    let mut by_terms: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for victim in victims {
        let (target, event, terms) =
            (victim.target.id().clone(), victim.event.name(), Arc::clone(&victim.terms));
        let span = tracing::info_span!("fault", %target, event);
        let cut = courses.cut(cut, &terms);
        let task = core.tasks.spawn(guard(Arc::clone(core), victim, run, cut, span));
        by_terms.entry(terms.index).or_default().push((target, event, task));
    }
    let mut attending: FuturesUnordered<_> = by_terms
        .into_iter()
        .map(|(terms, tasks)| async move {
            let mut ended = Vec::with_capacity(tasks.len());
            for (target, event, task) in tasks {
                ended.push((target, event, task.await));
            }
            (terms, ended)
        })
        .collect();
    // The groups of one rule must be steady again soon after their own faults, however long those of others last.
    let mut concluding = FuturesUnordered::new();
    let (mut attended, mut lost) = (Attended::default(), None);
    while !attending.is_empty() {
        tokio::select! {
            biased;
            Some(concluded) = concluding.next() => attended.group_steady_states.extend(concluded),
            Some((terms, ended)) = attending.next() => {
                let before = attended.faults.len();
                for (target, event, ended) in ended {
                    match ended {
                        Ok(Guarded::Ended(record)) => attended.faults.push(*record),
                        Ok(Guarded::Rehearsed(rehearsed)) => attended.rehearsed.push(*rehearsed),
                        Ok(Guarded::Skipped(reason)) => {
                            attended.skipped.push(Skip { target, event: event.to_owned(), reason });
                        }
                        Err(error) => lost = Some(lost_task(&target, error)),
                    }
                }
                let faults = attended.faults[before..].to_vec();
                concluding.push(async move { courses.conclude(terms, &faults, cut).await });
            }
        }
    }
    attended.faults.sort_by(|one, other| one.target.cmp(&other.target));
    attended.rehearsed.sort_by(|one, other| one.target.cmp(&other.target));
    attended.skipped.sort_by(|one, other| one.target.cmp(&other.target));
    if let Some(error) = lost {
        return Err(error);
    }
    let whole = async {
        let course = cut.courses.first()?;
        Some(course.conclude(&attended.faults, cut.clone().wait_for_order()).await)
    };
    let (whole, rest) = join(whole, concluding.collect::<Vec<_>>()).await;
    attended.steady_state = whole;
    attended.group_steady_states.extend(rest.into_iter().flatten());
    attended.group_steady_states.sort_by(|one, other| one.rule.cmp(&other.rule));
    Ok(attended)
}

/// The runtime is shutting down, or this library has a bug. The journal still knows the fault.
pub(super) fn lost_task(target: &TargetId, error: JoinError) -> Error {
    Error::new(
        ErrorKind::Other,
        "the task that took care of a fault was lost; call `recover_pending` on a monkey over its journal",
    )
    .with("target", target)
    .caused_by(error)
}
