//! Faults that an earlier process or a lost task has left behind.

use std::sync::Arc;

use tracing::Span;

use super::{RunId, core::Core};
use crate::{
    clock::{self, Deadline},
    contain::{contained, in_span},
    error::{Failure, Result},
    event::{Hold, ScopeParts},
    fault::{Active, Fault, FaultRecord},
    journal::FaultQuery,
    observer::Activity,
    plan::provider_of,
    recovery::{BoxRecovery, RecoveryScope},
};

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
        // A subscriber that panics must not end a recovery.
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

/// The fault, if another process has recovered it since it was found pending. Its target may be under another fault by
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
    // A later recovery gets at least the budget with which the fault was armed.
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
        due: record.due,
        observers: core.observers.clone(),
    };
    let scope = RecoveryScope::replaying(parts, identity, record.injection(), &record.progress);
    Ok(Active::replayed(recovery, record.clone(), scope, safeguard))
}
