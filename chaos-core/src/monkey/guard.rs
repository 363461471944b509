use std::{sync::Arc, time::Duration};

use super::core::{Core, Cut};
use crate::{
    Active, Activity, Armed, Arming, Clock, CutShort, Error, ErrorKind, Failure, FaultRecord, Health,
    Journal, Limits, Reason, Result, Scope,
    clock::{self, Deadline},
    contain::{contained, within},
    event::{Discovered, ScopeParts},
    plan::{Victim, provider_of},
};

/// How often a hold asks the journal whether another process has halted everything.
const HALT_POLL: Duration = Duration::from_secs(2);

/// How a guarded task ended.
#[derive(Debug)]
pub(super) enum Guarded {
    Skipped(Reason),
    Ended(Box<FaultRecord>),
}

/// Takes care of one victim from the last look before the injection until it is back. Runs as a task of its own, so that
/// dropping the run cuts the hold short and nothing else.
pub(super) async fn guard(core: Arc<Core>, victim: Victim, seed: u64, mut cut: Cut) -> Guarded {
    let slot = tokio::select! {
        biased;
        reason = cut.wait() => return skip(&core, &victim, cut_reason(reason)),
        slot = core.slots.acquire() => slot,
    };
    let armed = match arm(&core, &victim, seed, &cut).await {
        Ok(armed) => armed,
        Err(reason) => return skip(&core, &victim, reason),
    };
    let record = armed.record();
    core.tell(Activity::Armed {
        fault: record.id,
        target: record.target.clone(),
        event: record.event.clone(),
        deadline: record.deadline,
    });
    let active = match cut.is_cut() {
        Some(_) => armed.abandon(),
        None => armed.inject().await,
    };
    if !victim.event.hold().is_momentary() {
        hold(&core, &active, &mut cut).await;
    }
    let record = active.recover().await;
    drop(slot);
    Guarded::Ended(Box::new(record))
}

/// Recovers one fault of an earlier process, or of a task that was lost.
pub(super) async fn replay(core: Arc<Core>, record: FaultRecord) -> FaultRecord {
    match replayable(&core, &record) {
        Ok(active) => active.recover().await,
        Err(error) => {
            let (fault, target, failure) = (record.id, record.target.clone(), Failure::from(&error));
            core.tell(Activity::RecoveryFailed { fault, target, failure: failure.clone() });
            let mut record = record;
            record.failure = Some(failure);
            record
        }
    }
}

fn replayable(core: &Core, record: &FaultRecord) -> Result<Active> {
    let safeguard = core.safeguard()?;
    let provider = provider_of(&core.parts.providers, &record.target)?;
    let recovery = safeguard.registry.read(&record.recovery)?;
    let now = core.parts.clock.now();
    let parts = ScopeParts {
        fault: record.id,
        event: record.event.clone(),
        seed: record.seed,
        target: record.target.clone(),
        provider: Arc::clone(provider),
        clock: Arc::clone(&core.parts.clock),
        deadline: Deadline::set(record.armed_at, record.deadline),
        recover_by: clock::after(now, safeguard.retry.budget),
        observers: core.parts.observers.clone(),
    };
    let scope = Scope::replaying(parts, record.injection());
    Ok(Active::replayed(recovery, record.clone(), scope, safeguard.clone()))
}

/// The last look, and the arming. Whatever is not certain is a reason to leave the target alone.
async fn arm(core: &Core, victim: &Victim, seed: u64, cut: &Cut) -> Result<Armed, Reason> {
    look_again(core, victim).await?;
    let doubt = |error: Error| Reason::Doubt { failure: (&error).into() };
    let safeguard = core.safeguard().map_err(doubt)?;
    let budget = core.parts.retry.budget;
    let now = core.parts.clock.now();
    let hold = victim.event.hold();
    let recover_by = clock::after(now, hold.duration().saturating_add(budget));
    let deadline = Deadline::after(now, if hold.is_momentary() { budget } else { hold.duration() });
    let window = core.parts.calendar.window(now).ok_or(Reason::CalendarClosed)?;
    if recover_by > window.closes {
        return Err(Reason::ClosesTooSoon { closes: window.closes, undone_by: recover_by });
    }
    let parts = ScopeParts {
        fault: core.new_fault_id().map_err(doubt)?,
        event: victim.event.name().to_owned(),
        seed,
        target: victim.target.id().clone(),
        provider: Arc::clone(&victim.provider),
        clock: Arc::clone(&core.parts.clock),
        deadline,
        recover_by,
        observers: core.parts.observers.clone(),
    };
    let discovered = Discovered { target: Arc::clone(&victim.target), group: Arc::clone(&victim.group) };
    let scope = Scope::preparing(parts, discovered);
    let preparing = contained("the preparation", async { victim.event.prepare(&scope).await });
    let prepared = limited(core, "the preparation", preparing).await.map_err(doubt)?;
    if let Some(reason) = cut.is_cut() {
        return Err(cut_reason(reason));
    }
    let limits = Limits::none()
        .group_active(victim.group_active)
        .total_active(core.parts.blast_radius.active_limit())
        .cool_down(core.parts.cool_down);
    match prepared.arm(&scope, safeguard, &limits).await.map_err(doubt)? {
        Arming::Armed(armed) => Ok(armed),
        Arming::Refused(reason) => Err(reason),
    }
}

/// The plan may be old by now: the target must still be healthy.
async fn look_again(core: &Core, victim: &Victim) -> Result<(), Reason> {
    let looking = contained("the health check", async { victim.target.health().await });
    match limited(core, "the health check", looking).await {
        Ok(Health::Healthy) => Ok(()),
        Ok(health) => Err(Reason::NotHealthy { health }),
        Err(error) => Err(Reason::Doubt { failure: (&error).into() }),
    }
}

async fn limited<T>(core: &Core, what: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
    within(core.parts.clock.as_ref(), core.parts.discovery_limit, what, work).await.and_then(|result| result)
}

/// Keeps the fault up until its deadline, unless something cuts it short.
async fn hold(core: &Core, active: &Active, cut: &mut Cut) {
    let clock = core.parts.clock.as_ref();
    let cut_short = if active.injection().is_err() {
        Some(CutShort::InjectionFailed)
    } else {
        tokio::select! {
            biased;
            reason = cut.wait() => Some(reason),
            () = halted_elsewhere(active.journal(), clock) => Some(CutShort::Halted),
            () = clock.sleep(active.remaining()) => None,
        }
    };
    core.tell(Activity::HoldEnded { fault: active.record().id, cut_short });
}

/// Returns when the journal carries a halt. A journal that cannot be read does not end a hold: the deadline does.
async fn halted_elsewhere(journal: &dyn Journal, clock: &dyn Clock) {
    loop {
        clock.sleep(HALT_POLL).await;
        if let Ok(Some(_)) = journal.halt().await {
            return;
        }
    }
}

fn cut_reason(cut: CutShort) -> Reason {
    match cut {
        CutShort::Halted => Reason::Halted { reason: "this monkey was halted".to_owned() },
        _ => {
            let error = Error::new(ErrorKind::Refused, "the run was cut short before the injection");
            Reason::Doubt { failure: (&error).into() }
        }
    }
}

fn skip(core: &Core, victim: &Victim, reason: Reason) -> Guarded {
    core.tell(Activity::Skipped { target: victim.target.id().clone(), reason: reason.clone() });
    Guarded::Skipped(reason)
}
