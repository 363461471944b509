use std::{sync::Arc, time::Duration};

use super::{CutShort, Fault, FaultRecord, FaultState, Mark, Safeguard, looks::Looks};
use crate::{
    clock,
    error::{Error, ErrorKind, Failure, Result},
    event::Findings,
    journal::{Journal, Lease},
    observer::Activity,
    recovery::{BoxRecovery, RecoveryScope},
};

/// A recovery that begins this long after the deadline is reported as late.
const WORTH_A_NOTE: Duration = Duration::from_secs(1);

/// For a longer hold, there is also a look in its middle.
const LONG_HOLD: Duration = Duration::from_secs(10);

/// A fault that may be in effect. The next step is [`recover`](Active::recover).
///
/// Dropping it recovers nothing and leaves the entry in the journal to the next replay.
#[derive(Debug)]
#[must_use = "the target stays faulty until the fault is recovered"]
pub struct Active {
    pub(super) recovery: Arc<BoxRecovery>,
    pub(super) record: FaultRecord,
    pub(super) scope: RecoveryScope,
    pub(super) safeguard: Safeguard,
    lease: Option<Lease>,
    injection: Result<()>,
    /// Until a look has seen the fault in effect, a target that looks well may simply not have been hit yet.
    pub(super) looks: Looks,
    /// When the injection returned in this process, by the monotonic clock.
    in_effect_since: Option<Duration>,
    cut_short: Option<CutShort>,
}

impl Active {
    pub(crate) fn new(
        recovery: BoxRecovery,
        record: FaultRecord,
        scope: RecoveryScope,
        safeguard: Safeguard,
        lease: Lease,
        injection: Result<()>,
    ) -> Self {
        let in_effect_since = injection.is_ok().then(|| scope.clock().monotonic());
        let looks = Looks::default();
        // An injection may have seen it already.
        if let Some(now) = in_effect_since.filter(|_| scope.findings().is_seen) {
            looks.saw_it_in_effect(now, true);
        }
        Self {
            recovery: Arc::new(recovery),
            record,
            scope,
            safeguard,
            lease: Some(lease),
            injection,
            looks,
            in_effect_since,
            cut_short: None,
        }
    }

    /// Its injection was cut off for this reason.
    pub(crate) fn because(mut self, why: CutShort) -> Self {
        self.cut_short = Some(why);
        self
    }

    /// Why it is cut short, if that is known already.
    pub(crate) fn cut_short(&self) -> Option<CutShort> {
        self.cut_short
    }

    /// Adds a fact to the fault's record.
    pub(crate) fn note(&self, note: String) {
        self.scope.note(note);
    }

    /// A fault that an earlier process or a lost task has left behind.
    pub(crate) fn replayed(
        recovery: BoxRecovery,
        record: FaultRecord,
        scope: RecoveryScope,
        safeguard: Safeguard,
    ) -> Self {
        let is_held = matches!(record.state, FaultState::Injecting | FaultState::Active);
        let cut_short = (is_held && !scope.remaining().is_zero()).then_some(CutShort::TakenOver);
        Self {
            recovery: Arc::new(recovery),
            record,
            scope,
            safeguard,
            lease: None,
            injection: Ok(()),
            looks: Looks::default(),
            in_effect_since: None,
            cut_short,
        }
    }

    pub(crate) fn journal(&self) -> &dyn Journal {
        self.safeguard.journal.as_ref()
    }

    /// The fault as far as it is known.
    pub fn record(&self) -> &FaultRecord {
        &self.record
    }

    /// The identity of the fault, for activities.
    pub(crate) fn identity(&self) -> Arc<Fault> {
        self.scope.identity()
    }

    /// Whether the injection returned without an error.
    pub fn injection(&self) -> &Result<()> {
        &self.injection
    }

    /// The time left until the fault's deadline; zero when it has passed.
    pub fn remaining(&self) -> Duration {
        self.scope.remaining()
    }

    /// Looks at the fault while it is held: at once, because it may end by itself later; in the middle of a long hold;
    /// and shortly before its end. Returns if the fault was seen to be over before its time.
    ///
    /// Cancel safe.
    pub(crate) async fn watch(&self) {
        let clock = self.scope.clock();
        let _ = self.look().await;
        if self.remaining() > LONG_HOLD {
            clock.sleep(self.remaining() / 2).await;
            if self.is_over_early().await {
                return;
            }
        }
        // Early enough for the answer to arrive before the end. A later answer would prove nothing.
        let lead = (self.scope.lasting() / 10).max(self.looks.slowest() * 2);
        if let Some(wait) = self.remaining().checked_sub(lead) {
            clock.sleep(wait).await;
            if self.is_over_early().await {
                return;
            }
        }
        std::future::pending().await
    }

    /// Whether two looks, some time apart, say that a fault which was seen in effect before is over. The state that a
    /// platform shows to a single look may be out of date.
    async fn is_over_early(&self) -> bool {
        let _ = self.look().await;
        if !self.looks.saw_its_end() {
            return false;
        }
        self.scope.clock().sleep(self.safeguard.retry.settle.min(self.remaining() / 4)).await;
        let looked_again = self.look().await;
        self.looks.saw_its_end() && looked_again.is_ok()
    }

    /// Ends the hold; with a reason, it was cut short. Returns the reason, which may come from the last look.
    pub(crate) fn end_hold(&mut self, cut_short: Option<CutShort>) -> Option<CutShort> {
        let is_early = self.looks.saw_its_end() && !self.scope.findings().is_complete;
        if let (true, Some(since), Some((seen, over))) =
            (is_early, self.in_effect_since, self.looks.when_it_ended())
        {
            let (seen, over) = (seen.saturating_sub(since), over.saturating_sub(since));
            self.scope.note(format!(
                "last seen in effect {seen:.1?} after the injection, and seen over {over:.1?} after it"
            ));
        }
        let cut_short = cut_short.filter(|why| is_early || *why != CutShort::EndedEarly);
        let seen = is_early.then_some(CutShort::EndedEarly);
        self.cut_short = cut_short.or(seen);
        self.looks.tell_failures(&self.scope);
        self.cut_short
    }

    /// Brings the target back: looks, recovers, verifies, and retries with back-off until the budget is spent,
    /// whichever errors occur meanwhile. Only a [final](Error::is_final) error ends it earlier. Returns the fault as it
    /// ended: `Recovered`, `RecoveryFailed`, or `Recovering` if the target is back but the journal could not record it.
    ///
    /// The budget begins now and is measured by monotonic time. A failing journal delays nothing.
    ///
    /// Not cancel safe: a dropped call leaves the fault to the next replay.
    pub async fn recover(mut self) -> FaultRecord {
        self.measure_hold();
        self.own_up_to_lateness();
        let until = clock::after(self.scope.clock().now(), self.safeguard.retry.budget);
        self.scope = self.scope.clone().recover_until(until);
        // A look that began during the hold answers a different question.
        self.looks.forget_the_one_under_way();
        let begun = Mark::new(FaultState::Recovering, self.scope.now())
            .failure(self.record.failure.clone())
            .cut_short(self.cut_short);
        let marking = self.safeguard.journal.mark(self.record.id, &begun);
        let (written, ended) = tokio::join!(marking, self.within_budget());
        if let Err(error) = &written {
            self.tell_journal_failure(error);
        }
        self.record.apply(&begun);
        self.end(ended, written.err().map(|_| begun)).await
    }

    /// If seconds were requested, reports the achieved number: until now, or until a look last saw the fault in effect
    /// if it was seen to be over before. For a fault of an earlier process, the time is unknown.
    fn measure_hold(&self) {
        if let (Some(_), Some(since)) = (self.record.requested.get("seconds"), self.in_effect_since) {
            let is_over = self.looks.saw_its_end();
            let until = if is_over { self.looks.last_in_effect() } else { None };
            // A late recovery did not see the time after the deadline.
            let now = self.scope.clock().monotonic().min(self.scope.bound().by_monotonic());
            let until = until.unwrap_or(now);
            self.scope.measure("seconds", until.saturating_sub(since).as_secs_f64());
        }
    }

    /// If the recovery did not begin at the deadline, says how late it was: this process was stopped by a signal, or
    /// starved.
    fn own_up_to_lateness(&mut self) {
        let late = clock::until(self.record.deadline, self.scope.now());
        if self.lease.is_some() && (WORTH_A_NOTE..=FaultRecord::LATE_AFTER).contains(&late) {
            self.scope.note(format!("the recovery began {late:.1?} after the deadline"));
        }
        if self.lease.is_some() && late > FaultRecord::LATE_AFTER {
            let why = "the recovery began that long after the deadline: this process was stopped, or got no \
                processor time";
            let failure = Failure::new(ErrorKind::Timeout, format!("{late:.1?} late: {why}"));
            self.record.failure.get_or_insert(failure);
        }
    }

    /// Records how the recovery ended. Also records that it began, unless the journal knows that already.
    async fn end(mut self, ended: Result<Option<String>, Failure>, unwritten: Option<Mark>) -> FaultRecord {
        let findings = self.scope.findings();
        let (state, gone, failure) = match ended {
            Ok(gone) => (FaultState::Recovered, gone, None),
            Err(failure) => (FaultState::RecoveryFailed, None, Some(failure)),
        };
        let no_effect = self.without_effect(&findings);
        let mark = Mark::new(state, self.scope.now())
            .no_effect(no_effect)
            .achieved(findings.achieved.clone())
            .milestones(findings.milestones.clone())
            .gone(gone.is_some())
            .note(findings.notes_and(gone.clone()))
            .failure(failure);
        if let Err(error) = self.mark_stubbornly(unwritten.iter().chain([&mark])).await {
            self.tell_journal_failure(&error);
            if state == FaultState::Recovered {
                let error =
                    Error::new(ErrorKind::Journal, "the target is back, but the journal did not record it")
                        .with("fault", self.record.id)
                        .caused_by(error);
                self.record.failure = Some((&error).into());
                return self.record;
            }
        }
        self.record.apply(&mark);
        let fault = self.identity();
        let activity = match mark.failure {
            None => Activity::Recovered { fault, time_to_recover: self.record.time_to_recover(), gone },
            Some(failure) => {
                let by_hand = Some(self.recovery.by_hand(&fault.target, fault.id));
                Activity::RecoveryFailed { fault, failure, by_hand }
            }
        };
        self.scope.observers().tell(mark.at, activity);
        drop(self.lease.take());
        self.record
    }

    /// Why nothing was hit, if the injecting process saw that. A momentary fault may be too quick to be seen.
    fn without_effect(&self, findings: &Findings) -> Option<String> {
        self.in_effect_since?;
        let is_unseen = !self.scope.is_momentary() && !self.is_believable();
        findings.no_effect.clone().or_else(|| is_unseen.then(|| self.looks.why_unseen()))
    }

    /// A journal that fails for a moment must not leave a finished fault pending.
    async fn mark_stubbornly(&self, marks: impl Iterator<Item = &Mark>) -> Result<()> {
        const ATTEMPTS: u32 = 5;
        for mark in marks {
            let mut number = 1;
            while let Err(error) = self.safeguard.journal.mark(self.record.id, mark).await {
                if number == ATTEMPTS {
                    return Err(error);
                }
                if error.kind() == ErrorKind::Conflict && mark.state == FaultState::RecoveryFailed {
                    // Another process has seen the target back, and this process has seen nothing.
                    return Ok(());
                }
                if error.kind() == ErrorKind::Conflict {
                    // Another process has closed the fault meanwhile. The observation of this process is newer.
                    self.safeguard
                        .journal
                        .mark(self.record.id, &Mark::new(FaultState::Recovering, mark.at))
                        .await?;
                } else {
                    self.scope.clock().sleep(self.safeguard.retry.wait_after(number)).await;
                }
                number += 1;
            }
        }
        Ok(())
    }

    fn tell_journal_failure(&self, error: &Error) {
        let activity = Activity::JournalFailed { fault: self.identity(), failure: error.into() };
        self.scope.observers().tell(self.scope.now(), activity);
    }
}
