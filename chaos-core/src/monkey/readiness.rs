//! The steps before a fault is armed: looks, the preparation, the permission to undo it, the announcement.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{
    core::{ASK_LIMIT, Core, Rehearsal, Run},
    last_look::{incarnation, is_still_so, is_still_the_same, limited, look_again},
    permission::may_undo,
    rehearsed::Rehearsed,
    sight::Sight,
};
use crate::{
    calendar::Calendar,
    clock::Deadline,
    contain::contained,
    event::{Discovered, Scope, ScopeParts},
    fault::{Armed, FaultId, Prepared},
    journal::{Arming, Limits, tally},
    observer::Intended,
    plan::{Reason, Victim, rules},
    steady_state::Course,
};

/// The maximum age of a plan whose looks an event may be prepared from. There is another look before the injection in
/// any case.
const FRESH: SignedDuration = SignedDuration::from_secs(1);

/// A prepared injection that may be armed now.
pub(super) struct Ready {
    prepared: Prepared,
    scope: Scope,
    limits: Limits,
    /// The hours of the group.
    calendar: Arc<dyn Calendar>,
}

/// The last looks, the preparation and the announcement. Nothing is touched, and any uncertainty is a reason to leave
/// the target alone.
pub(super) async fn make_ready(
    core: &Core,
    victim: &Victim,
    run: Run,
    fault: FaultId,
    courses: &[Arc<Course>],
) -> Result<Ready, Reason> {
    // The plan gets old while victims wait for others.
    let age = core.parts.clock.now().duration_since(victim.planned_at);
    let seen = if (SignedDuration::ZERO..FRESH).contains(&age) {
        None
    } else {
        Some(look_again(core, victim).await?)
    };
    let discovered = discovered(victim, seen.as_deref());
    let seen = seen.map_or_else(|| Arc::clone(&victim.group), |sight| Arc::clone(&sight.group));
    let incarnation = incarnation(core, victim, &discovered.group).await?;
    let calendar = &victim.terms.calendar;
    let undone_by = undone_before_closing(core, calendar, victim.hold.until_deadline())?;
    let parts = ScopeParts {
        fault,
        run: Some(run.id),
        event: victim.event.name().to_owned(),
        seed: run.seed,
        target: victim.target.id().clone(),
        provider: Arc::clone(&victim.provider),
        clock: Arc::clone(&core.parts.clock),
        deadline: Deadline::after(core.parts.clock.as_ref(), victim.hold.until_deadline()),
        hold: victim.hold,
        budget: core.parts.retry.budget,
        incarnation,
        due: run.due,
        observers: core.observers.clone(),
    };
    let scope = Scope::preparing(parts, discovered);
    let preparing = contained("the preparation", async { victim.event.prepare(&scope).await });
    let prepared = match limited(core, "the preparation", preparing).await {
        Ok(prepared) => prepared,
        Err(error) => {
            // The cause may be that the target is gone since the plan. Then that is the reason.
            look_again(core, victim).await?;
            return Err(Reason::doubt(error));
        }
    };
    // This asks the target as it is now, not a handle from the plan.
    may_undo(core, scope.target().as_ref(), victim.event.as_ref(), victim.hold)
        .await
        .map_err(Reason::doubt)?;
    let intended = Intended {
        run: Some(run.id),
        chosen: run.chosen,
        seed: run.seed,
        healthy: seen.healthy(),
        desired: seen.desired,
        hold: victim.hold.duration(),
        requested: prepared.requested().clone(),
        undone_by,
        by_hand: prepared.by_hand(&scope),
        hypothesis: hypothesis(core, victim),
        ..Intended::new(scope.fault(), scope.target_id().clone(), scope.event(), scope.deadline())
    };
    // Nothing is announced that does not come.
    if !core.rehearses() {
        core.observers.ask(core.parts.clock.as_ref(), ASK_LIMIT, &intended).await.map_err(Reason::doubt)?;
    }
    for course in courses {
        course.before_injection().await?;
    }
    // The preparation, the announcement and the probes may have taken a while.
    let now = look_again(core, victim).await?;
    is_still_so(victim, &seen, &now.group)?;
    is_still_the_same(core, victim, &scope, &now.group).await?;
    if let Some(caveat) = victim.event.caveat(&now.group) {
        scope.note(caveat);
    }
    let limits = Limits::none()
        .group_active(victim.group_active)
        .total_active(victim.total_active)
        .cool_down(victim.terms.cool_down);
    Ok(Ready { prepared, scope, limits, calendar: Arc::clone(calendar) })
}

/// The hypotheses that the fault tests.
fn hypothesis(core: &Core, victim: &Victim) -> Option<String> {
    let steady = [&core.parts.steady_state, &victim.terms.steady_state];
    let all: Vec<&str> = steady.into_iter().flatten().map(|steady| steady.hypothesis()).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// When a fault that is armed now and lasts this long is certainly undone. An error if the calendar is closed, or
/// closes before that.
fn undone_before_closing(
    core: &Core,
    calendar: &Arc<dyn Calendar>,
    lasting: Duration,
) -> Result<Timestamp, Reason> {
    let now = core.parts.clock.now();
    let window = rules::open(calendar.as_ref(), now)?;
    rules::undone_by(window, now, lasting, core.parts.retry.budget)
}

impl Ready {
    pub(super) async fn arm(self, core: &Core) -> Result<Armed, Reason> {
        let safeguard = core.safeguard().map_err(Reason::doubt)?;
        // The preparation, the announcement and the last look may have taken minutes.
        undone_before_closing(core, &self.calendar, self.scope.lasting())?;
        match self.prepared.arm(&self.scope, safeguard, &self.limits).await.map_err(Reason::doubt)? {
            Arming::Armed(armed) => Ok(armed),
            Arming::Refused(reason) => Err(reason),
        }
    }

    /// Checks all that the arming would check, over the faults that the journal has. Nothing is recorded.
    pub(super) async fn rehearse(self, core: &Core, rehearsal: &Rehearsal) -> Result<Rehearsed, Reason> {
        undone_before_closing(core, &self.calendar, self.scope.lasting())?;
        let record = self
            .prepared
            .rehearsed(&self.scope, &rehearsal.registry, core.parts.retry.budget)
            .map_err(Reason::doubt)?;
        let tally = tally(rehearsal.journal.as_ref(), &record, &self.limits).await.map_err(Reason::doubt)?;
        self.limits.check(&record, &tally)?;
        Ok(Rehearsed {
            by_hand: self.prepared.by_hand(&self.scope),
            target: record.target,
            event: record.event,
            hold: self.scope.lasting(),
            requested: record.requested,
        })
    }
}

/// The target and its group at the last look, for the preparation of the event.
fn discovered(victim: &Victim, seen: Option<&Sight>) -> Discovered {
    let now = seen.and_then(|sight| sight.group.member(victim.target.id()));
    let target = now.map_or(&victim.target, |now| &now.target);
    let group = seen.map_or_else(|| Arc::clone(&victim.group), |sight| sight.as_before(victim));
    Discovered { target: Arc::clone(target), group }
}
