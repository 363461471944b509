use std::{sync::Arc, time::Duration};

use tracing::Span;

use super::{
    core::{Core, Cut, Run},
    readiness::make_ready,
};
use crate::{
    clock::{self, Clock, Deadline},
    contain::{contained, in_span},
    error::{Error, ErrorKind, Failure, Result},
    event::{Hold, Scope, ScopeParts},
    fault::{Active, Armed, CutShort, FaultRecord},
    journal::{FaultQuery, Journal},
    observer::Activity,
    plan::{Reason, Victim, provider_of},
    recovery::BoxRecovery,
};

/// How often whoever holds a fault asks the journal whether another process has halted everything, and the wall clock
/// whether the deadline has passed while the machine slept.
const POLL: Duration = Duration::from_secs(2);

/// How a guarded task ended.
#[derive(Debug)]
pub(super) enum Guarded {
    Skipped(Reason),
    Ended(Box<FaultRecord>),
}

/// Takes care of one victim from the last look before the injection until it is back. Runs as a task of its own, so
/// that dropping the run cuts the hold short and nothing else.
pub(super) async fn guard(core: Arc<Core>, victim: Victim, run: Run, cut: Cut, span: Span) -> Guarded {
    // The span inside: a subscriber that panics ends no recovery.
    let attending = in_span(span, async { Ok(attend(&core, &victim, run, cut).await) });
    match contained("the guarded task", attending).await {
        Ok(guarded) => guarded,
        Err(error) => rescue(&core, &victim, &error).await,
    }
}

async fn attend(core: &Core, victim: &Victim, run: Run, mut cut: Cut) -> Guarded {
    let ready = tokio::select! {
        biased;
        reason = cut.wait() => return skip(core, victim, cut_reason(reason)),
        ready = async {
            let slot = core.slots.acquire().await;
            make_ready(core, victim, run).await.map(|ready| (slot, ready))
        } => ready,
    };
    let (slot, armed) = match ready {
        Ok((slot, ready)) => (slot, ready.arm(core).await),
        Err(reason) => return skip(core, victim, reason),
    };
    let armed = match armed {
        Ok(armed) => armed,
        Err(reason) => return skip(core, victim, reason),
    };
    let record = armed.record();
    core.tell(Activity::Armed {
        fault: record.id,
        target: record.target.clone(),
        event: record.event.clone(),
        deadline: record.deadline,
        by_hand: armed.by_hand(),
    });
    let mut active = inject(core, armed, &mut cut).await;
    if !victim.hold.is_momentary() {
        hold(core, &mut active, &mut cut).await;
    }
    let record = active.recover().await;
    drop(slot);
    Guarded::Ended(Box::new(record))
}

/// Something in the guarded task panicked that nobody had contained. Whatever it left behind is recovered here and now.
async fn rescue(core: &Arc<Core>, victim: &Victim, error: &Error) -> Guarded {
    let failure = Failure::from(error);
    let orphans = match core.safeguard() {
        Ok(safeguard) => safeguard.journal.orphans(core.parts.clock.now()).await.unwrap_or_default().faults,
        Err(_) => Vec::new(),
    };
    let left_behind = orphans.into_iter().find(|fault| fault.target == *victim.target.id());
    match left_behind {
        Some(fault) => {
            let mut record = replay(Arc::clone(core), fault, Span::none()).await;
            record.failure.get_or_insert(failure);
            Guarded::Ended(Box::new(record))
        }
        None => skip(core, victim, Reason::Doubt { failure }),
    }
}

/// Recovers one fault of an earlier process, or of a task that was lost.
pub(super) async fn replay(core: Arc<Core>, record: FaultRecord, span: Span) -> FaultRecord {
    let replaying = in_span(span, async { Ok(replay_once(&core, record.clone()).await) });
    match contained("the replay", replaying).await {
        Ok(ended) => ended,
        // A subscriber that panics ends no recovery.
        Err(_) => replay_once(&core, record).await,
    }
}

async fn replay_once(core: &Arc<Core>, record: FaultRecord) -> FaultRecord {
    let _slot = core.slots.acquire().await;
    if let Some(closed) = closed_meanwhile(core, &record).await {
        return closed;
    }
    let recovery = core.safeguard().and_then(|safeguard| safeguard.registry.read(&record.recovery));
    let by_hand = recovery.as_ref().ok().map(|recovery| recovery.by_hand(&record.target, record.id));
    core.tell(Activity::TakenOver {
        fault: record.id,
        target: record.target.clone(),
        event: record.event.clone(),
        armed_at: record.armed_at,
        by_hand: by_hand.clone(),
    });
    match recovery.and_then(|recovery| replayable(core, &record, recovery)) {
        Ok(active) => active.recover().await,
        Err(error) => {
            let (fault, target, failure) = (record.id, record.target.clone(), Failure::from(&error));
            core.tell(Activity::RecoveryFailed { fault, target, failure: failure.clone(), by_hand });
            let mut record = record;
            record.failure = Some(failure);
            record
        }
    }
}

/// The fault, where somebody else has recovered it since it was found pending: its target may be under another one by
/// now.
async fn closed_meanwhile(core: &Core, record: &FaultRecord) -> Option<FaultRecord> {
    let journal = &core.safeguard().ok()?.journal;
    let found = journal.find(&FaultQuery::all().target(record.target.clone())).await.ok()?;
    found.faults.into_iter().find(|fault| fault.id == record.id && !fault.state.is_pending())
}

fn replayable(core: &Core, record: &FaultRecord, recovery: BoxRecovery) -> Result<Active> {
    let mut safeguard = core.safeguard()?.clone();
    // Whoever recovers later gives it no less time than it was armed with.
    safeguard.retry.budget = safeguard.retry.budget.max(clock::until(record.deadline, record.recover_by));
    let provider = provider_of(&core.parts.providers, &record.target)?;
    let parts = ScopeParts {
        fault: record.id,
        event: record.event.clone(),
        seed: record.seed,
        target: record.target.clone(),
        provider: Arc::clone(provider),
        clock: Arc::clone(&core.parts.clock),
        deadline: Deadline::set(core.parts.clock.as_ref(), record.armed_at, record.deadline),
        hold: Hold::lasting(clock::until(record.armed_at, record.deadline)).unwrap_or(Hold::MOMENTARY),
        budget: safeguard.retry.budget,
        incarnation: record.incarnation.as_deref().map(Arc::from),
        observers: core.parts.observers.clone(),
    };
    let scope = Scope::replaying(parts, record.injection());
    Ok(Active::replayed(recovery, record.clone(), scope, safeguard))
}

/// Injects, unless or until something cuts it short.
async fn inject(core: &Core, armed: Armed, cut: &mut Cut) -> Active {
    if cut.is_cut().is_some() {
        return armed.abandon();
    }
    let journal = armed.journal();
    let clock = core.parts.clock.as_ref();
    let cut = async move {
        tokio::select! {
            biased;
            _ = cut.wait() => {}
            () = halted_elsewhere(journal.as_ref(), clock) => {}
        }
    };
    armed.inject_unless(cut).await
}

/// Keeps the fault up until its deadline and looks at it meanwhile, unless something cuts it short.
async fn hold(core: &Core, active: &mut Active, cut: &mut Cut) {
    let clock = core.parts.clock.as_ref();
    let cut_short = if active.injection().is_err() {
        Some(CutShort::InjectionFailed)
    } else {
        tokio::select! {
            biased;
            reason = cut.wait() => Some(reason),
            () = halted_elsewhere(active.journal(), clock) => Some(CutShort::Halted),
            () = clock.sleep(active.remaining()) => None,
            // Unless it was meant to end then.
            () = active.watch() => Some(CutShort::EndedEarly),
            () = passed(active, clock) => None,
        }
    };
    let cut_short = active.end_hold(cut_short);
    core.tell(Activity::HoldEnded { fault: active.record().id, cut_short });
}

/// Returns when the journal carries a halt. A journal that cannot be read does not end a hold: the deadline does.
async fn halted_elsewhere(journal: &dyn Journal, clock: &dyn Clock) {
    loop {
        clock.sleep(POLL).await;
        if let Ok(Some(_)) = journal.halt().await {
            return;
        }
    }
}

/// Returns when the deadline has passed by the wall clock, which goes on while a machine is suspended.
async fn passed(active: &Active, clock: &dyn Clock) {
    while !active.remaining().is_zero() {
        clock.sleep(POLL).await;
    }
}

fn cut_reason(cut: CutShort) -> Reason {
    match cut {
        CutShort::Halted => Reason::Halted { reason: "this monkey was halted".to_owned() },
        _ => Reason::doubt(Error::new(ErrorKind::Refused, "the run was cut short before the injection")),
    }
}

fn skip(core: &Core, victim: &Victim, reason: Reason) -> Guarded {
    core.tell(Activity::Skipped { target: victim.target.id().clone(), reason: reason.clone() });
    Guarded::Skipped(reason)
}
