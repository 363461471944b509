use std::{sync::Arc, time::Duration};

use tracing::Span;

use super::{
    RunId,
    core::{Core, Cut, Run},
    readiness::make_ready,
};
use crate::{
    clock::{self, Clock, Deadline},
    contain::{contained, in_span},
    error::{Error, ErrorKind, Failure, Result},
    event::{Hold, Scope, ScopeParts},
    fault::{Active, Armed, CutShort, Fault, FaultId, FaultRecord},
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

/// One victim of a run, chosen to be hit by one fault.
struct Case<'a> {
    core: &'a Arc<Core>,
    victim: &'a Victim,
    run: Run,
    /// The id that the fault will have.
    fault: FaultId,
}

/// Takes care of one victim from the last look before the injection until it is back. Runs as a task of its own, so
/// that dropping the run cuts the hold short and nothing else.
pub(super) async fn guard(core: Arc<Core>, victim: Victim, run: Run, cut: Cut, span: Span) -> Guarded {
    let fault = match contained("the entropy", async { core.new_fault_id() }).await {
        Ok(fault) => fault,
        Err(error) => return skip(&core, &victim, run, None, Reason::doubt(error)),
    };
    let case = Case { core: &core, victim: &victim, run, fault };
    // The span inside: a subscriber that panics ends no recovery.
    let attending = in_span(span, async { Ok(case.attend(cut).await) });
    match contained("the guarded task", attending).await {
        Ok(guarded) => guarded,
        Err(error) => case.rescue(&error).await,
    }
}

impl Case<'_> {
    async fn attend(&self, mut cut: Cut) -> Guarded {
        let (core, victim) = (self.core, self.victim);
        let ready = tokio::select! {
            biased;
            reason = cut.wait() => return self.skip(cut_reason(reason)),
            ready = async {
                let slot = core.slots.acquire().await;
                make_ready(core, victim, self.run, self.fault).await.map(|ready| (slot, ready))
            } => ready,
        };
        let (slot, armed) = match ready {
            Ok((slot, ready)) => (slot, ready.arm(core).await),
            Err(reason) => return self.skip(reason),
        };
        let armed = match armed {
            Ok(armed) => armed,
            Err(reason) => return self.skip(reason),
        };
        core.tell(Activity::Armed { fault: armed.identity(), by_hand: armed.by_hand() });
        let mut active = inject(core, armed, &mut cut).await;
        if !victim.hold.is_momentary() {
            hold(core, &mut active, &mut cut).await;
        }
        let record = active.recover().await;
        drop(slot);
        Guarded::Ended(Box::new(record))
    }

    /// Something in the guarded task panicked that nobody had contained. Whatever it left behind is recovered here and
    /// now.
    async fn rescue(&self, error: &Error) -> Guarded {
        let failure = Failure::from(error);
        let core = self.core;
        let orphans = match core.safeguard() {
            Ok(safeguard) => {
                safeguard.journal.orphans(core.parts.clock.now()).await.unwrap_or_default().faults
            }
            Err(_) => Vec::new(),
        };
        let left_behind = orphans.into_iter().find(|fault| fault.id == self.fault);
        match left_behind {
            Some(fault) => {
                let mut record = replay(Arc::clone(core), fault, Some(self.run.id), Span::none()).await;
                record.failure.get_or_insert(failure);
                Guarded::Ended(Box::new(record))
            }
            None => self.skip(Reason::Doubt { failure }),
        }
    }

    fn skip(&self, reason: Reason) -> Guarded {
        skip(self.core, self.victim, self.run, Some(self.fault), reason)
    }
}

fn skip(core: &Core, victim: &Victim, run: Run, fault: Option<FaultId>, reason: Reason) -> Guarded {
    core.tell(Activity::Skipped {
        run: run.id,
        fault,
        target: victim.target.id().clone(),
        event: victim.event.name().to_owned(),
        reason: reason.clone(),
    });
    Guarded::Skipped(reason)
}

/// Recovers one fault of an earlier process, or of a task that was lost. `run` injected it, if that is known.
pub(super) async fn replay(
    core: Arc<Core>,
    record: FaultRecord,
    run: Option<RunId>,
    span: Span,
) -> FaultRecord {
    let replaying = in_span(span, async { Ok(replay_once(&core, record.clone(), run).await) });
    match contained("the replay", replaying).await {
        Ok(ended) => ended,
        // A subscriber that panics ends no recovery.
        Err(_) => replay_once(&core, record, run).await,
    }
}

async fn replay_once(core: &Arc<Core>, record: FaultRecord, run: Option<RunId>) -> FaultRecord {
    let _slot = core.slots.acquire().await;
    if let Some(closed) = closed_meanwhile(core, &record).await {
        return closed;
    }
    let recovery = core.safeguard().and_then(|safeguard| safeguard.registry.read(&record.recovery));
    let by_hand = recovery.as_ref().ok().map(|recovery| recovery.by_hand(&record.target, record.id));
    let fault = Arc::new(Fault::recorded(&record, run));
    let (armed_at, by_hand_too) = (record.armed_at, by_hand.clone());
    core.tell(Activity::TakenOver { fault: Arc::clone(&fault), armed_at, by_hand: by_hand_too });
    match recovery.and_then(|recovery| replayable(core, &record, Arc::clone(&fault), recovery)) {
        Ok(active) => active.recover().await,
        Err(error) => {
            let failure = Failure::from(&error);
            core.tell(Activity::RecoveryFailed { fault, failure: failure.clone(), by_hand });
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

fn replayable(
    core: &Core,
    record: &FaultRecord,
    identity: Arc<Fault>,
    recovery: BoxRecovery,
) -> Result<Active> {
    let mut safeguard = core.safeguard()?.clone();
    // Whoever recovers later gives it no less time than it was armed with.
    safeguard.retry.budget = safeguard.retry.budget.max(clock::until(record.deadline, record.recover_by));
    let provider = provider_of(&core.parts.providers, &record.target)?;
    let parts = ScopeParts {
        fault: record.id,
        run: identity.run,
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
    let scope = Scope::replaying(parts, identity, record.injection());
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
    core.tell(Activity::HoldEnded { fault: active.identity(), cut_short });
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
