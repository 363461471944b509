//! The guarded task that takes care of one victim.

use std::sync::Arc;

use tracing::Span;

use super::{
    core::{Core, Cut, Rehearsal, Run},
    hold::{hold, inject},
    readiness::{Ready, make_ready},
    rehearsed::Rehearsed,
    replay::replay,
};
use crate::{
    contain::{contained, in_span},
    error::{Error, ErrorKind, Failure},
    fault::{CutShort, FaultId, FaultRecord},
    observer::Activity,
    plan::{Reason, Victim},
    steady_state::InEffect,
};

/// How a guarded task ended.
#[derive(Debug)]
pub(super) enum Guarded {
    Skipped(Reason),
    Ended(Box<FaultRecord>),
    Rehearsed(Box<Rehearsed>),
}

/// One victim of a run, chosen to be hit by one fault.
struct Case<'a> {
    core: &'a Arc<Core>,
    victim: &'a Victim,
    run: Run,
    /// The id that the fault will have.
    fault: FaultId,
}

/// Takes care of one victim from the last look before the injection until it is back. It runs as a task of its own, so
/// dropping the run cuts the hold short and does nothing else.
pub(super) async fn guard(core: Arc<Core>, victim: Victim, run: Run, cut: Cut, span: Span) -> Guarded {
    let fault = match contained("the entropy", async { core.new_fault_id() }).await {
        Ok(fault) => fault,
        Err(error) => return skip(&core, &victim, run, None, Reason::doubt(error)),
    };
    let case = Case { core: &core, victim: &victim, run, fault };
    // The span is inside, because a panicking subscriber must not end a recovery.
    let attending = in_span(span, async { Ok(case.attend(cut).await) });
    match contained("the guarded task", attending).await {
        Ok(guarded) => guarded,
        Err(error) => case.rescue(&error).await,
    }
}

impl Case<'_> {
    async fn attend(&self, cut: Cut) -> Guarded {
        let (core, victim) = (self.core, self.victim);
        let mut cut = cut.of(victim.target.id());
        let waiting = cut.clone();
        let ready = tokio::select! {
            biased;
            reason = cut.wait() => return self.skip(cut_reason(reason, &waiting)),
            () = core.retirement.begun() => return self.skip(retired()),
            ready = async {
                let slot = core.slots.acquire().await;
                make_ready(core, victim, self.run, self.fault, &waiting.courses).await.map(|ready| (slot, ready))
            } => ready,
        };
        let (slot, armed) = match ready {
            Ok((_, ready)) if let Some(rehearsal) = &core.rehearsal => {
                return self.rehearse(ready, rehearsal).await;
            }
            Ok((slot, ready)) => match core.retirement.pass().await {
                Some(_pass) => (slot, ready.arm(core).await),
                None => return self.skip(retired()),
            },
            Err(reason) => return self.skip(reason),
        };
        let armed = match armed {
            Ok(armed) => armed,
            Err(reason) => return self.skip(reason),
        };
        core.tell(Activity::Armed { fault: armed.identity(), by_hand: armed.by_hand() });
        let mut in_effect: Vec<InEffect> = cut.courses.iter().map(|course| course.enter_effect()).collect();
        let is_over_with_injection = victim.hold.is_over_with_injection();
        for in_effect in in_effect.iter_mut().filter(|_| is_over_with_injection) {
            in_effect.injected(Some(armed.remaining()));
        }
        let mut active = inject(core, armed, &mut cut).await;
        for in_effect in &mut in_effect {
            match active.injection() {
                _ if is_over_with_injection => in_effect.is_over(),
                Ok(()) => in_effect.injected((!victim.hold.is_momentary()).then(|| active.remaining())),
                Err(_) => {}
            }
        }
        if !victim.hold.is_momentary() || active.cut_short().is_some() {
            hold(core, &mut active, &mut cut).await;
            in_effect.iter_mut().for_each(InEffect::hold_ended);
        }
        let record = active.recover().await;
        drop(in_effect);
        drop(slot);
        Guarded::Ended(Box::new(record))
    }

    async fn rehearse(&self, ready: Ready, rehearsal: &Rehearsal) -> Guarded {
        match ready.rehearse(self.core, rehearsal).await {
            Ok(rehearsed) => {
                self.core.tell(Activity::Rehearsed {
                    run: self.run.id,
                    target: rehearsed.target.clone(),
                    event: rehearsed.event.clone(),
                });
                Guarded::Rehearsed(Box::new(rehearsed))
            }
            Err(reason) => self.skip(reason),
        }
    }

    /// An uncontained panic in the guarded task. Its fault is recovered here and now.
    async fn rescue(&self, error: &Error) -> Guarded {
        let failure = Failure::from(error);
        let core = self.core;
        let orphans = match core.safeguard() {
            Ok(safeguard) => match safeguard.journal.orphans(core.parts.clock.now()).await {
                Ok(found) => found.faults,
                Err(unread) => return self.skip(self.unknown(&unread)),
            },
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

    /// The journal cannot tell whether the fault was injected, and nothing else can.
    fn unknown(&self, unread: &Error) -> Reason {
        let what = "the task of this fault broke down, and the journal could not be read, so it is not known whether \
            the fault was injected: recover what is pending";
        Reason::doubt(
            Error::new(ErrorKind::Journal, what).with("fault", self.fault).caused_by(unread.chain()),
        )
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

fn retired() -> Reason {
    Reason::doubt(Error::new(ErrorKind::Refused, "another monkey has taken the place of this one"))
}

fn cut_reason(why: CutShort, cut: &Cut) -> Reason {
    match (why, cut.unsteady()) {
        (CutShort::Halted, _) => Reason::Halted { reason: "this monkey was halted".to_owned() },
        (CutShort::NotSteady | CutShort::InDoubt, Some(unsteady)) => unsteady.reason.clone(),
        _ => Reason::doubt(Error::new(ErrorKind::Refused, "the run was cut short before the injection")),
    }
}
