use std::{fmt, future::Future, sync::Arc, time::Duration};

use super::{
    Active, CutShort, Fault, FaultRecord, FaultState, Inject, Injection, Mark, Permit, Prepared, Safeguard,
    permit::Recorder,
};
use crate::{
    contain::{contained, within},
    error::{Error, ErrorKind, Failure, Result},
    event::Scope,
    journal::{Journal, Lease},
    observer::Activity,
    recovery::BoxRecovery,
};

/// A fault with a durable recovery. The next step is [`inject`](Armed::inject).
///
/// Dropping it injects nothing and leaves the entry in the journal to the next replay.
#[must_use = "an armed fault stays in the journal until it is recovered"]
pub struct Armed {
    inject: Inject,
    recovery: BoxRecovery,
    record: FaultRecord,
    scope: Scope,
    safeguard: Safeguard,
    lease: Lease,
    /// Whether any part of the injection has run.
    begun: bool,
}

impl Armed {
    pub(super) fn new(
        prepared: Prepared,
        record: FaultRecord,
        scope: Scope,
        safeguard: Safeguard,
        lease: Lease,
    ) -> Self {
        Self {
            inject: prepared.inject,
            recovery: prepared.recovery,
            record,
            scope,
            safeguard,
            lease,
            begun: false,
        }
    }

    /// The fault's record in the journal.
    pub fn record(&self) -> &FaultRecord {
        &self.record
    }

    /// The identity of the fault, for activities.
    pub(crate) fn identity(&self) -> Arc<Fault> {
        self.scope.identity()
    }

    /// The time left until its deadline.
    pub(crate) fn remaining(&self) -> Duration {
        self.scope.remaining()
    }

    pub(crate) fn by_hand(&self) -> String {
        self.recovery.by_hand(&self.record.target, self.record.id)
    }

    pub(crate) fn journal(&self) -> Arc<dyn Journal> {
        Arc::clone(&self.safeguard.journal)
    }

    /// Injects, and returns an [`Active`] in any case: an error, a panic or a time-out does not prove that nothing
    /// happened, so it is recovered too. [`Active::injection`] tells the outcome.
    ///
    /// The injection is abandoned when the fault's deadline passes. It does not begin unless the journal has recorded
    /// that it begins.
    ///
    /// Not cancel safe: a dropped call may have injected or not. The journal knows that the injection began, and a
    /// replay recovers it.
    pub async fn inject(self) -> Active {
        self.inject_unless(std::future::pending()).await
    }

    /// Injects unless, or until, `cut` is ready. An injection that is cut off after its start may have happened.
    pub(crate) async fn inject_unless(mut self, cut: impl Future<Output = CutShort> + Send) -> Active {
        if self.scope.remaining().is_zero() {
            return self.abandon();
        }
        let mark = Mark::new(FaultState::Injecting, self.scope.now());
        if let Err(error) = self.safeguard.journal.mark(self.record.id, &mark).await {
            let error = Error::new(
                ErrorKind::Journal,
                "the journal did not record that the injection begins, so nothing was injected",
            )
            .with("fault", self.record.id)
            .caused_by(error);
            return self.into_active(Err(error));
        }
        self.record.apply(&mark);
        // The journal may have been slow, or this process may have been stopped.
        if self.scope.remaining().is_zero() {
            return self.abandon();
        }
        self.scope.observers().tell(mark.at, Activity::Injecting { fault: self.identity() });

        self.begun = true;
        let permit = Permit::to_inject(self.scope.fault(), self.scope.bound(), self.scope.clock())
            .recording(self.recorder());
        let inject = std::mem::replace(&mut self.inject, Box::new(|_| Box::pin(std::future::ready(Ok(())))));
        // The call that makes the future may panic, and so may the future.
        let injection = contained("the injection", async { inject(&permit).await });
        let result = tokio::select! {
            biased;
            why = cut => {
                let error = Error::new(ErrorKind::Timeout, "the injection was cut short").with("fault", self.record.id);
                return self.cut_off(why, error);
            }
            // Checks the time whenever it is polled: after a stop of this process, or of its machine, both are due.
            result = permit.in_time(injection) => result.and_then(|result| result),
        };
        let result = self.record_result(result).await;
        self.into_active(result)
    }

    /// What the injection records is durable before it goes on.
    fn recorder(&self) -> Recorder {
        let (fault, journal, scope) = (self.record.id, self.journal(), self.scope.clone());
        Arc::new(move |name, value| {
            let (journal, scope) = (Arc::clone(&journal), scope.clone());
            Box::pin(async move {
                let mark = Mark::new(FaultState::Injecting, scope.now()).progress(&name, value.clone());
                journal.mark(fault, &mark).await?;
                scope.ledger().progress(&name, value);
                Ok(())
            })
        })
    }

    /// Abandons the injection before it begins. Only the recovery is left, which closes the entry in the journal.
    pub fn abandon(self) -> Active {
        let error = self.given_up();
        self.into_active(Err(error))
    }

    /// Abandons the injection before it begins, because the run is cut short.
    pub(crate) fn abandon_because(self, why: CutShort) -> Active {
        let error = self.given_up();
        self.cut_off(why, error)
    }

    fn given_up(&self) -> Error {
        Error::new(ErrorKind::Refused, "the injection was given up before it began")
            .with("fault", self.record.id)
            .with("time left", format_args!("{:.1?}", self.scope.remaining()))
    }

    /// An injection that the steady state has cut off did not fail: the hypothesis did, or nobody knows.
    fn cut_off(self, why: CutShort, error: Error) -> Active {
        match why {
            CutShort::NotSteady | CutShort::InDoubt => self.into_recovery(Err(error)).because(why),
            _ => self.into_active(Err(error)),
        }
    }

    /// Records that the injection returned without an error. After an error the state stays `Injecting`, because it is
    /// unknown how far the injection came.
    async fn record_result(&mut self, result: Result<()>) -> Result<()> {
        result?;
        let (fault, now) = (self.record.id, self.scope.now());
        self.scope.note_what_is_lost();
        let findings = self.scope.findings();
        let note = findings.notes_and(None);
        let mark = Mark::new(FaultState::Active, now).achieved(findings.achieved).note(note);
        // A hanging journal must not prolong the fault.
        let limit = self.scope.remaining().max(Duration::from_secs(1));
        let marking = self.safeguard.journal.mark(fault, &mark);
        let marked = within(self.scope.clock().as_ref(), limit, "the journal", marking)
            .await
            .and_then(|marked| marked);
        if let Err(error) = marked {
            let message = "the fault is injected, but the journal did not record it";
            return Err(Error::new(ErrorKind::Journal, message).with("fault", fault).caused_by(error));
        }
        self.record.apply(&mark);
        let (requested, achieved) = (self.record.requested.clone(), mark.achieved);
        self.scope.observers().tell(now, Activity::Injected { fault: self.identity(), requested, achieved });
        Ok(())
    }

    fn into_active(mut self, result: Result<()>) -> Active {
        if let Err(error) = &result {
            let failure = Failure::from(error);
            self.record.failure = Some(failure.clone());
            let activity = Activity::InjectionFailed { fault: self.identity(), failure };
            self.scope.observers().tell(self.scope.now(), activity);
        }
        self.into_recovery(result)
    }

    fn into_recovery(mut self, result: Result<()>) -> Active {
        self.record.progress = self.scope.findings().progress;
        let scope = self.scope.recovering(match (self.record.injection(), &result) {
            _ if !self.begun => Injection::NeverBegan,
            (Injection::Unknown, Ok(())) => Injection::Returned,
            (known, _) => known,
        });
        Active::new(self.recovery, self.record, scope, self.safeguard, self.lease, result)
    }
}

impl fmt::Debug for Armed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Armed").field("record", &self.record).field("recovery", &self.recovery).finish()
    }
}
