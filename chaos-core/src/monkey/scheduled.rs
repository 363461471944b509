//! The life of a monkey that has a schedule: each due is a run of its own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use jiff::Timestamp;

use super::{
    Outcome, RunReport,
    core::{Core, Run},
    diagnose::list,
};
use crate::{
    calendar::next_opening,
    chance::Draw,
    clock,
    error::Result,
    group::GroupId,
    journal::FaultQuery,
    observer::{Activity, Chosen},
    provider::GroupFilter,
    schedule::{Due, OpenDays, Schedule, TakenDue},
};

/// Carries out one run in the groups that pass.
pub(super) type CarryOut<'a> =
    dyn Fn(Run, GroupFilter) -> BoxFuture<'a, Result<RunReport>> + Send + Sync + 'a;

/// The longest time between two looks at the groups, so that new ones are found on the day.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// Carries dues out, without end, by `carry_out` of a run in one group.
pub(super) async fn carry_out_dues(core: &Core, schedule: &Schedule, seed: u64, carry_out: &CarryOut<'_>) {
    let days = schedule.open_days(Arc::clone(&core.parts.calendar), takes(core));
    let mut running = FuturesUnordered::new();
    // What is carried out, and what was stopped and is tried again then. What has failed is not forgotten meanwhile.
    let mut not_before: BTreeMap<GroupId, Option<Timestamp>> = BTreeMap::new();
    loop {
        let now = core.parts.clock.now();
        let wait = match dues(core, schedule, &days, seed, now).await {
            Err(error) => {
                core.tell(Activity::RunFailed { run: None, failure: (&error).into() });
                core.parts.due_retry
            }
            Ok(dues) => {
                let is_open = core.parts.calendar.window(now).is_some();
                let mut next = None;
                for (due, last_fault) in dues {
                    let at = match not_before.get(&due.id.group) {
                        Some(None) => continue,
                        Some(Some(again)) => due.at.max(*again),
                        None => due.at,
                    };
                    if at > now {
                        next = Some(next.map_or(at, |next: Timestamp| next.min(at)));
                        continue;
                    }
                    if !is_open {
                        continue;
                    }
                    not_before.insert(due.id.group.clone(), None);
                    running.push(async move {
                        let is_over = is_carried_out(core, seed, &due, last_fault, carry_out).await;
                        (due.id.group, is_over)
                    });
                }
                let next =
                    next.or_else(|| next_opening(&core.parts.calendar, now).filter(|opens| *opens > now));
                next.map_or(LOOK_EVERY, |next| clock::until(now, next)).min(LOOK_EVERY)
            }
        };
        tokio::select! {
            Some((group, is_over)) = running.next(), if !running.is_empty() => {
                let again = clock::after(core.parts.clock.now(), core.parts.due_retry);
                match is_over {
                    true => not_before.remove(&group),
                    false => not_before.insert(group, Some(again)),
                };
            }
            () = core.parts.clock.sleep(wait) => {}
        }
    }
}

/// How long a fault may take until it is undone.
fn takes(core: &Core) -> Duration {
    let holds = core.parts.events.iter().map(|event| event.hold().until_deadline());
    holds.max().unwrap_or_default().saturating_add(core.parts.retry.budget)
}

/// The dues of today that nothing has carried out yet, each with the last fault in its group.
async fn dues(
    core: &Core,
    schedule: &Schedule,
    days: &OpenDays,
    seed: u64,
    now: Timestamp,
) -> Result<Vec<(Due, Option<Timestamp>)>> {
    let today = schedule.date(now);
    let mut dues = Vec::new();
    if days.on(today).is_none() {
        return Ok(dues);
    }
    let journal = &core.safeguard()?.journal;
    for provider in &core.parts.providers {
        for group in list(core, provider).await? {
            // The coin alone spares most groups the look into the journal.
            if schedule.due(days, seed, &group.id, today, None).is_none() {
                continue;
            }
            let last = journal.find(&FaultQuery::all().group(group.id.clone()).limit(1)).await?;
            let last_fault = last.faults.last().map(|fault| fault.armed_at);
            let due = schedule.due(days, seed, &group.id, today, last_fault);
            dues.extend(due.map(|due| (due, last_fault)));
        }
    }
    Ok(dues)
}

/// Whether it is over: a fault was injected, or may have been. Otherwise it stays due.
async fn is_carried_out(
    core: &Core,
    seed: u64,
    due: &Due,
    last_fault: Option<Timestamp>,
    carry_out: &CarryOut<'_>,
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
    match ended {
        Ok(report) => !report.faults.is_empty() || report.outcome() == Outcome::Completed,
        Err(error) => {
            core.tell(Activity::RunFailed { run, failure: (&error).into() });
            false
        }
    }
}
