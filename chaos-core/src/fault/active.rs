use std::time::Duration;

use super::Safeguard;
use crate::{
    Activity, BoxRecovery, Error, ErrorKind, Failure, FaultRecord, FaultState, Journal, Lease, Mark, Permit,
    Result, Scope, Verdict, clock,
    contain::{contained, within},
};

/// A fault that may be in effect. The next step is [`recover`](Active::recover).
///
/// Dropping it recovers nothing and leaves the entry in the journal to the next replay.
#[derive(Debug)]
#[must_use = "the target stays faulty until the fault is recovered"]
pub struct Active {
    recovery: BoxRecovery,
    record: FaultRecord,
    scope: Scope,
    safeguard: Safeguard,
    lease: Option<Lease>,
    injection: Result<()>,
}

/// How an attempt to recover ended.
enum Attempt {
    Back { note: Option<String> },
    Again(Failure),
    GiveUp(Failure),
}

impl Active {
    pub(crate) fn new(
        recovery: BoxRecovery,
        record: FaultRecord,
        scope: Scope,
        safeguard: Safeguard,
        lease: Lease,
        injection: Result<()>,
    ) -> Self {
        Self { recovery, record, scope, safeguard, lease: Some(lease), injection }
    }

    /// A fault that an earlier process, or a task that was lost, left behind.
    pub(crate) fn replayed(
        recovery: BoxRecovery,
        record: FaultRecord,
        scope: Scope,
        safeguard: Safeguard,
    ) -> Self {
        Self { recovery, record, scope, safeguard, lease: None, injection: Ok(()) }
    }

    pub(crate) fn journal(&self) -> &dyn Journal {
        self.safeguard.journal.as_ref()
    }

    /// The fault as far as it is known.
    pub fn record(&self) -> &FaultRecord {
        &self.record
    }

    /// Whether the injection returned well.
    pub fn injection(&self) -> &Result<()> {
        &self.injection
    }

    /// The time left until the fault's deadline; zero when it has passed.
    pub fn remaining(&self) -> Duration {
        self.scope.remaining()
    }

    /// Brings the target back: recovers, verifies, and tries again with back-off while the error is retryable and the budget
    /// lasts. Returns the fault as it ended: `Recovered`, `RecoveryFailed`, or, where the target is back and the journal
    /// could not record it, `Recovering`.
    ///
    /// Not cancel safe: a dropped call leaves the fault to the next replay.
    pub async fn recover(mut self) -> FaultRecord {
        let fault = self.record.id;
        self.measure_hold();
        let begun =
            Mark::new(FaultState::Recovering, self.scope.clock().now()).failure(self.record.failure.clone());
        let written = self.safeguard.journal.mark(fault, &begun).await;
        if let Err(error) = &written {
            self.tell_journal_failure(error);
        }
        self.record.apply(&begun);

        let mut number = 1;
        let ended = loop {
            self.scope
                .observers()
                .tell(self.scope.clock().now(), Activity::Recovering { fault, attempt: number });
            let failure = match self.attempt().await {
                Attempt::Back { note } => break Ok(note),
                Attempt::GiveUp(failure) => break Err(failure),
                Attempt::Again(failure) => failure,
            };
            let now = self.scope.clock().now();
            let wait = self.safeguard.retry.wait_after(number);
            if clock::after(now, wait) >= self.scope.recover_by() {
                break Err(failure);
            }
            self.scope
                .observers()
                .tell(now, Activity::RecoveryRetried { fault, attempt: number, failure, wait });
            self.scope.clock().sleep(wait).await;
            number += 1;
        };
        self.end(ended, written.err().map(|_| begun)).await
    }

    /// Whoever requested seconds learns how many they were.
    fn measure_hold(&self) {
        if let (Some(_), Some(injected_at)) = (self.record.requested.get("seconds"), self.record.injected_at)
        {
            let held = clock::until(injected_at, self.scope.clock().now());
            self.scope.measure("seconds", held.as_secs_f64());
        }
    }

    async fn attempt(&self) -> Attempt {
        let clock = self.scope.clock();
        let permit = Permit::of(&self.scope);
        let left = clock::until(clock.now(), self.scope.recover_by());
        let recovering = contained("the recovery", self.recovery.recover(&self.scope, &permit));
        let recovered =
            within(clock.as_ref(), left, "the recovery", recovering).await.and_then(|result| result);
        // A recovery that ended in an error may have done its work: only a look at the target tells.
        let left = clock::until(clock.now(), self.scope.recover_by()).max(self.safeguard.retry.longest_wait);
        let verifying = contained("the verification", self.recovery.verify(&self.scope));
        let verified =
            within(clock.as_ref(), left, "the verification", verifying).await.and_then(|result| result);
        match (recovered, verified) {
            (_, Ok(Verdict::Back)) => Attempt::Back { note: None },
            (_, Ok(Verdict::Gone(why))) => Attempt::Back { note: Some(why) },
            (Ok(()), Ok(Verdict::NotYet(why))) => {
                Attempt::Again(Failure::new(ErrorKind::Unavailable, format!("the target is not back: {why}")))
            }
            (Ok(()), Err(error)) | (Err(error), _) if error.is_retryable() => Attempt::Again((&error).into()),
            (Ok(()), Err(error)) | (Err(error), _) => Attempt::GiveUp((&error).into()),
        }
    }

    /// Records how the recovery ended, and that it began where the journal does not know that yet.
    async fn end(mut self, ended: Result<Option<String>, Failure>, unwritten: Option<Mark>) -> FaultRecord {
        let findings = self.scope.findings();
        let (state, note, failure) = match ended {
            Ok(note) => (FaultState::Recovered, note, None),
            Err(failure) => (FaultState::RecoveryFailed, None, Some(failure)),
        };
        let mark = Mark::new(state, self.scope.clock().now())
            .achieved(findings.achieved)
            .milestones(findings.milestones)
            .note(note)
            .failure(failure);
        let marks = unwritten.iter().chain([&mark]);
        if let Err(error) = self.mark_stubbornly(marks).await {
            self.tell_journal_failure(&error);
            if state == FaultState::Recovered {
                let error =
                    Error::new(ErrorKind::Journal, "the target is back and the journal did not record it")
                        .with("fault", self.record.id)
                        .caused_by(error);
                self.record.failure = Some((&error).into());
                return self.record;
            }
        }
        self.record.apply(&mark);
        let fault = self.record.id;
        let activity = match mark.failure {
            None => Activity::Recovered { fault, time_to_recover: self.record.time_to_recover() },
            Some(failure) => Activity::RecoveryFailed { fault, target: self.record.target.clone(), failure },
        };
        self.scope.observers().tell(mark.at, activity);
        drop(self.lease.take());
        self.record
    }

    /// A journal that fails for a moment must not leave a fault pending that is over.
    async fn mark_stubbornly(&self, marks: impl Iterator<Item = &Mark>) -> Result<()> {
        const ATTEMPTS: u32 = 5;
        for mark in marks {
            let mut number = 1;
            while let Err(error) = self.safeguard.journal.mark(self.record.id, mark).await {
                if error.kind() == ErrorKind::Conflict || number == ATTEMPTS {
                    return Err(error);
                }
                self.scope.clock().sleep(self.safeguard.retry.wait_after(number)).await;
                number += 1;
            }
        }
        Ok(())
    }

    fn tell_journal_failure(&self, error: &Error) {
        let activity = Activity::JournalFailed { fault: self.record.id, failure: error.into() };
        self.scope.observers().tell(self.scope.clock().now(), activity);
    }
}
