//! The life of a monkey that has a schedule: each due is a run of its own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::task::JoinSet;

use super::{
    RunReport,
    core::{Core, Run},
    diagnose::list,
    dues::{Dues, last_rehearsed, note_due, seed_of_schedule},
};
use crate::{
    calendar::next_opening,
    chance::Draw,
    clock,
    error::{Error, Result},
    group::{Group, GroupId},
    journal::{DueNote, FaultQuery},
    observer::{Activity, Chosen},
    plan::Fits,
    provider::GroupFilter,
    schedule::{Due, Schedule, TakenDue},
};

/// Carries out one run in the groups that pass.
pub(super) type CarryOut = dyn Fn(Run, GroupFilter) -> BoxFuture<'static, Result<RunReport>> + Send + Sync;

/// The longest time between two looks at the groups, so that new ones are found on the day; and at what other processes
/// have left behind.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// How often the clock is read while nothing is due: a sleep does not notice that the machine was suspended.
const CLOCK_EVERY: Duration = Duration::from_secs(60);

/// Carries dues out, until the monkey is retired and its runs are over, by `carry_out` of a run in one group. Dropped,
/// it cuts the runs short.
pub(super) async fn carry_out_dues(core: &Arc<Core>, schedule: &Schedule, carry_out: Arc<CarryOut>) {
    let seed = seed_of_schedule(core).await;
    let mut known = Dues::new(core, schedule);
    // Tasks: a run that waits for the journal must go on while this looks into it.
    let mut running = JoinSet::new();
    // None as long as a group's due is carried out; otherwise when it is tried again.
    let mut not_before: BTreeMap<GroupId, Option<Timestamp>> = BTreeMap::new();
    while !core.retirement.has_begun() {
        let are_tried = not_before.iter().filter(|(_, again)| again.is_none());
        let are_tried = are_tried.map(|(group, _)| group.clone()).collect();
        let are_settled = known.settle(seed, &are_tried).await;
        let dues = dues(core, schedule, seed).await;
        known.open(&dues).await;
        // The look may have taken minutes.
        let now = core.parts.clock.now();
        let is_open = core.parts.calendar.window(now).is_some();
        let mut wake = clock::after(now, LOOK_EVERY).min(schedule.next_day(now));
        if !are_settled {
            wake = wake.min(clock::after(now, core.parts.due_retry));
        }
        if let Some(opens) = next_opening(&core.parts.calendar, now).filter(|opens| *opens > now) {
            wake = wake.min(opens);
        }
        for (due, last_fault) in dues {
            let at = match not_before.get(&due.id.group) {
                Some(None) => continue,
                // Not for longer, if the clock was put back.
                Some(Some(again)) => due.at.max((*again).min(clock::after(now, core.parts.due_retry))),
                None => due.at,
            };
            if at > now {
                wake = wake.min(at);
            } else if is_open {
                not_before.insert(due.id.group.clone(), None);
                let (core, carry_out) = (Arc::clone(core), Arc::clone(&carry_out));
                running.spawn(async move {
                    let is_over = is_carried_out(&core, seed, &due, last_fault, &*carry_out).await;
                    (due.id.group, is_over)
                });
            }
        }
        loop {
            tokio::select! {
                biased;
                Some(ended) = running.join_next() => {
                    let again = clock::after(core.parts.clock.now(), core.parts.due_retry);
                    match ended {
                        Ok((group, true)) => {
                            not_before.remove(&group);
                            continue;
                        }
                        Ok((group, false)) => {
                            not_before.insert(group, Some(again));
                        }
                        // The group of a task that panicked is not known. The journal refuses a second run for a due.
                        Err(_) => not_before.retain(|_, again| again.is_some()),
                    }
                    wake = wake.min(again);
                }
                () = core.retirement.begun() => break,
                () = core.parts.clock.sleep(clock::until(core.parts.clock.now(), wake).min(CLOCK_EVERY)) => {
                    if core.parts.clock.now() >= wake {
                        break;
                    }
                }
            }
        }
    }
    while running.join_next().await.is_some() {}
}

/// The dues of today that nothing has carried out yet, each with the last fault in its group. What cannot be looked at
/// is told, and the rest goes on.
async fn dues(core: &Core, schedule: &Schedule, seed: u64) -> Vec<(Due, Option<Timestamp>)> {
    let today = schedule.date(core.parts.clock.now());
    let mut dues = Vec::new();
    if !core.terms.has_open_day(today) {
        return dues;
    }
    let (fits, mut is_whole) = (Fits::of(&core.parts.filter, &core.terms), true);
    let tell = |error: &Error| core.tell(Activity::RunFailed { run: None, failure: error.into() });
    for provider in &core.parts.providers {
        let groups = list(core, provider).await.unwrap_or_else(|error| {
            tell(&error);
            is_whole = false;
            Vec::new()
        });
        for group in groups {
            fits.see(&group);
            let terms = core.terms.for_group(&group);
            // The coin alone spares most groups the look into the journal.
            if terms.due(seed, &group.id, today, None).is_none() {
                continue;
            }
            match last_fault(core, &group).await {
                Ok(last_fault) => {
                    let due = terms.due(seed, &group.id, today, last_fault);
                    dues.extend(due.map(|due| (due, last_fault)));
                }
                Err(error) => tell(&error),
            }
        }
    }
    if is_whole {
        core.tell_unmatched(fits.unmatched());
    }
    dues
}

/// When the last fault in a group was armed; for a monkey that rehearses also when it would have hit it.
pub(super) async fn last_fault(core: &Core, group: &Group) -> Result<Option<Timestamp>> {
    let query = FaultQuery::all().group(group.id.clone()).limit(1);
    let rehearsed = last_rehearsed(core, &group.id).await?;
    let found = core.journal()?.find(&query).await?;
    match found.unreadable.into_iter().next() {
        None => Ok(found.faults.last().map(|fault| fault.armed_at).max(rehearsed)),
        Some(unreadable) => {
            let what = "the last fault of a group cannot be read, so nobody knows whether the group is due";
            Err(Error::new(unreadable.failure.kind, what)
                .with("group", &group.id)
                .with("entry", unreadable.entry)
                .with("problem", unreadable.failure.message))
        }
    }
}

/// Whether it is over: a fault was injected, or may have been. Otherwise it stays due.
async fn is_carried_out(
    core: &Core,
    seed: u64,
    due: &Due,
    last_fault: Option<Timestamp>,
    carry_out: &CarryOut,
) -> bool {
    let begun = core.new_run(Chosen::Drawn).map(|run| Run {
        // After a restart, the same due draws the same victims.
        seed: Draw::for_due(seed, due.id.group.as_str(), due.id.day).seed(),
        due: Some(TakenDue::new(due.id.day, run.id, last_fault)),
        ..run
    });
    let run = begun.as_ref().ok().map(|run| run.id);
    let ended = match begun {
        Ok(run) => carry_out(run, GroupFilter::only([due.id.group.as_str()])).await,
        Err(error) => Err(error),
    };
    let (is_over, why) = match ended {
        Ok(report) if report.faults.is_empty() && report.rehearsed.is_empty() => {
            (false, report.why_nothing())
        }
        Ok(report) => {
            tell_end(core, due, &report);
            (true, Vec::new())
        }
        Err(error) => {
            core.tell(Activity::RunFailed { run, failure: (&error).into() });
            (false, vec![error.to_string()])
        }
    };
    let now = core.parts.clock.now();
    let note = match is_over && core.rehearses() {
        true => DueNote::would_have_been(due.id.clone(), now),
        false => DueNote::open(due.id.clone(), now).because(why),
    };
    // If it is carried out, its fault says so.
    note_due(core, note.drawn(due.at)).await;
    is_over
}

/// Tells what came of a due that is over.
fn tell_end(core: &Core, due: &Due, report: &RunReport) {
    let due = due.id.clone();
    // One that was armed, and was cut short before its injection began, has used the due up.
    let was_injected = report.faults.iter().any(|fault| fault.injecting_at.is_some());
    core.tell(match (core.rehearses(), was_injected) {
        (true, _) => Activity::DueRehearsed { due },
        (false, true) => Activity::DueCarriedOut { due },
        (false, false) => Activity::DueMissed { due, why: vec!["it was armed, but not injected".to_owned()] },
    });
}
