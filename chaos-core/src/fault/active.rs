use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{Safeguard, looks::Looks};
use crate::{
    Activity, BoxRecovery, CutShort, Error, ErrorKind, Failure, FaultRecord, FaultState, Injection, Journal,
    Lease, Mark, Milestone, Permit, Result, Scope, Verdict, clock,
    contain::{contained, within},
    event::Findings,
};

/// How long one look at the target may take at least, and which share of the recovery's budget. Some platforms take minutes to tell
/// what a script has found.
const LOOK_LIMIT: Duration = Duration::from_secs(30);
const LOOKS_IN_BUDGET: u32 = 6;

/// A recovery that begins so long after the deadline says so.
const WORTH_A_NOTE: Duration = Duration::from_secs(1);

/// Holds that are longer are looked at in their middle.
const LONG_HOLD: Duration = Duration::from_secs(10);

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
    /// Until one of them has seen the fault in effect, a target that looks well may only not have been hit yet.
    looks: Looks,
    /// When the injection had returned, by the monotonic clock; in this process.
    in_effect_since: Option<Duration>,
    cut_short: Option<CutShort>,
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
        let in_effect_since = injection.is_ok().then(|| scope.clock().monotonic());
        let looks = Looks::default();
        // An injection may have seen it already.
        if let Some(now) = in_effect_since.filter(|_| scope.findings().is_seen) {
            looks.saw_it_in_effect(now);
        }
        Self {
            recovery,
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

    /// A fault that an earlier process, or a task that was lost, left behind.
    pub(crate) fn replayed(
        recovery: BoxRecovery,
        record: FaultRecord,
        scope: Scope,
        safeguard: Safeguard,
    ) -> Self {
        let is_held = matches!(record.state, FaultState::Injecting | FaultState::Active);
        let cut_short = (is_held && !scope.remaining().is_zero()).then_some(CutShort::TakenOver);
        Self {
            recovery,
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

    /// Whether the injection returned well.
    pub fn injection(&self) -> &Result<()> {
        &self.injection
    }

    /// The time left until the fault's deadline; zero when it has passed.
    pub fn remaining(&self) -> Duration {
        self.scope.remaining()
    }

    /// Looks at the fault while it is held: at once, because later it may have ended by itself; in the middle of a long hold; and shortly
    /// before its end. Returns when it was seen to be over before its time.
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
        // Early enough for the answer to come before the end, after which it would prove nothing.
        let lead = (self.scope.lasting() / 10).max(self.looks.slowest() * 2);
        if let Some(wait) = self.remaining().checked_sub(lead) {
            clock.sleep(wait).await;
            if self.is_over_early().await {
                return;
            }
        }
        std::future::pending().await
    }

    /// Whether two looks, some time apart, say that a fault is over that one has seen in effect. A single one may have met a platform
    /// that was behind.
    async fn is_over_early(&self) -> bool {
        let _ = self.look().await;
        if !self.looks.saw_its_end() {
            return false;
        }
        self.scope.clock().sleep(self.safeguard.retry.settle.min(self.remaining() / 4)).await;
        let looked_again = self.look().await;
        self.looks.saw_its_end() && looked_again.is_ok()
    }

    /// The hold is over, and was cut short where there is a reason. Returns the reason, which may be what the last look has seen.
    pub(crate) fn end_hold(&mut self, cut_short: Option<CutShort>) -> Option<CutShort> {
        let is_early = self.looks.saw_its_end() && !self.scope.findings().is_complete;
        if let (true, Some(since), Some((seen, over))) =
            (is_early, self.in_effect_since, self.looks.when_it_ended())
        {
            let (seen, over) = (seen.saturating_sub(since), over.saturating_sub(since));
            self.scope.note(format!(
                "seen in effect until {seen:.1?} after the injection, and over {over:.1?} after it"
            ));
        }
        let cut_short = cut_short.filter(|why| is_early || *why != CutShort::EndedEarly);
        let seen = is_early.then_some(CutShort::EndedEarly);
        self.cut_short = cut_short.or(seen);
        self.looks.tell_failures(&self.scope);
        self.cut_short
    }

    /// Brings the target back: looks, recovers, verifies, and tries again with back-off while there is hope and the budget
    /// lasts. Returns the fault as it ended: `Recovered`, `RecoveryFailed`, or, where the target is back and the journal
    /// could not record it, `Recovering`.
    ///
    /// The budget begins now and is measured by monotonic time. A journal that fails holds nothing up.
    ///
    /// Not cancel safe: a dropped call leaves the fault to the next replay.
    pub async fn recover(mut self) -> FaultRecord {
        self.measure_hold();
        self.own_up_to_lateness();
        let until = clock::after(self.scope.clock().now(), self.safeguard.retry.budget);
        self.scope = self.scope.clone().recover_until(until);
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

    /// Whoever requested seconds learns how many they were: until now, or where the fault was seen to be over before, until a look saw
    /// it last. How long a fault of an earlier process lasted, nobody has seen.
    fn measure_hold(&self) {
        if let (Some(_), Some(since)) = (self.record.requested.get("seconds"), self.in_effect_since) {
            let is_over = self.looks.saw_its_end();
            let until = if is_over { self.looks.last_in_effect() } else { None };
            // Whoever comes late has not seen what was after the deadline.
            let now = self.scope.clock().monotonic().min(self.scope.bound().by_monotonic());
            let until = until.unwrap_or(now);
            self.scope.measure("seconds", until.saturating_sub(since).as_secs_f64());
        }
    }

    /// Whoever should have recovered at the deadline and did not, says by how much: stopped by a signal, or starved.
    fn own_up_to_lateness(&mut self) {
        let late = clock::until(self.record.deadline, self.scope.now());
        if self.lease.is_some() && (WORTH_A_NOTE..=FaultRecord::LATE_AFTER).contains(&late) {
            self.scope.note(format!("the recovery began {late:.1?} after the deadline"));
        }
        if self.lease.is_some() && late > FaultRecord::LATE_AFTER {
            let why =
                "the recovery began that long after the deadline: this process was stopped, or got no time";
            let failure = Failure::new(ErrorKind::Timeout, format!("{late:.1?} late: {why}"));
            self.record.failure.get_or_insert(failure);
        }
    }

    async fn within_budget(&self) -> Result<Option<String>, Failure> {
        let latest = Mutex::new(Failure::new(ErrorKind::Timeout, "the recovery took longer than its budget"));
        tokio::select! {
            biased;
            ended = self.attempts(&latest) => ended,
            () = self.scope.clock().sleep(self.safeguard.retry.budget) => {
                Err(latest.into_inner().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }

    async fn attempts(&self, latest: &Mutex<Failure>) -> Result<Option<String>, Failure> {
        let fault = self.record.id;
        if !self.is_believable() {
            // The deadline has passed: what this look could save is no longer than settling, and that is all it may cost.
            let clock = self.scope.clock().as_ref();
            let looking = self.look();
            let _ = within(clock, self.safeguard.retry.settle, "the look before the recovery", looking).await;
        }
        for number in 1.. {
            self.scope.observers().tell(self.scope.now(), Activity::Recovering { fault, attempt: number });
            let failure = match self.attempt().await {
                Attempt::Back { note } => return Ok(note),
                Attempt::GiveUp(failure) => return Err(failure),
                Attempt::Again(failure) => failure,
            };
            *latest.lock().unwrap_or_else(PoisonError::into_inner) = failure.clone();
            let wait = self.safeguard.retry.wait_after(number);
            let activity = Activity::RecoveryRetried { fault, attempt: number, failure, wait };
            self.scope.observers().tell(self.scope.now(), activity);
            self.scope.clock().sleep(wait).await;
        }
        Err(Failure::new(ErrorKind::Timeout, "the recovery was tried more often than can be counted"))
    }

    async fn attempt(&self) -> Attempt {
        let clock = self.scope.clock();
        let permit = Permit::to_recover(&self.scope);
        // One attempt that hangs must leave time for others.
        let limit = self.safeguard.retry.budget / 3;
        let recovering =
            contained("the recovery", async { self.recovery.recover(&self.scope, &permit).await });
        let recovered =
            within(clock.as_ref(), limit, "the recovery", recovering).await.and_then(|result| result);
        // A recovery that ended in an error may have done its work: only a look at the target tells.
        let mut verdict = self.look().await;
        if !self.is_believable() && matches!(verdict, Ok(Verdict::Back)) {
            clock.sleep(self.safeguard.retry.settle).await;
            verdict = self.look().await;
        }
        match (recovered, verdict) {
            (_, Ok(Verdict::Back)) => Attempt::Back { note: None },
            (_, Ok(Verdict::Gone(why))) => Attempt::Back { note: Some(why) },
            (recovered, Ok(Verdict::NotYet(why))) => {
                self.scope.forget(Milestone::Healthy);
                match recovered {
                    Err(error) if is_hopeless(&error) => Attempt::GiveUp((&error).into()),
                    Err(error) => Attempt::Again((&error).into()),
                    Ok(()) => {
                        let message = format!("the target is not back: {why}");
                        Attempt::Again(Failure::new(ErrorKind::Unavailable, message))
                    }
                }
            }
            (Err(error), Err(unseen)) if is_hopeless(&error) && is_hopeless(&unseen) => {
                Attempt::GiveUp((&error).into())
            }
            (Ok(()), Err(unseen)) if is_hopeless(&unseen) => Attempt::GiveUp((&unseen).into()),
            (Err(error), Err(_)) | (Ok(()), Err(error)) => Attempt::Again((&error).into()),
        }
    }

    /// Whether the first look that sees the target well may be believed.
    fn is_believable(&self) -> bool {
        self.scope.injection() == Injection::NeverBegan
            || self.looks.last_in_effect().is_some()
            || self.scope.findings().is_seen
    }

    async fn look(&self) -> Result<Verdict> {
        let clock = self.scope.clock();
        let began = clock.monotonic();
        let looked = self.look_once().await;
        self.looks.took(clock.monotonic().saturating_sub(began));
        match &looked {
            Err(error) => self.looks.failed(error),
            Ok(Verdict::NotYet(_)) => self.looks.saw_it_in_effect(began),
            // What a look finds over after the deadline may have ended in time.
            Ok(Verdict::Back | Verdict::Gone(_)) if !self.remaining().is_zero() => {
                self.looks.saw_it_over(began)
            }
            _ => {}
        }
        looked
    }

    async fn look_once(&self) -> Result<Verdict> {
        let looking = contained("the verification", async { self.recovery.verify(&self.scope).await });
        let limit = LOOK_LIMIT.max(self.safeguard.retry.budget / LOOKS_IN_BUDGET);
        within(self.scope.clock().as_ref(), limit, "the verification", looking).await?
    }

    /// Records how the recovery ended, and that it began where the journal does not know that yet.
    async fn end(mut self, ended: Result<Option<String>, Failure>, unwritten: Option<Mark>) -> FaultRecord {
        let findings = self.scope.findings();
        let (state, note, failure) = match ended {
            Ok(note) => (FaultState::Recovered, note, None),
            Err(failure) => (FaultState::RecoveryFailed, None, Some(failure)),
        };
        let no_effect = self.without_effect(&findings);
        let mark = Mark::new(state, self.scope.now())
            .no_effect(no_effect)
            .achieved(findings.achieved.clone())
            .milestones(findings.milestones.clone())
            .note(findings.notes_and(note))
            .failure(failure);
        if let Err(error) = self.mark_stubbornly(unwritten.iter().chain([&mark])).await {
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
            Some(failure) => {
                let target = self.record.target.clone();
                let by_hand = Some(self.recovery.by_hand(&target, fault));
                Activity::RecoveryFailed { fault, target, failure, by_hand }
            }
        };
        self.scope.observers().tell(mark.at, activity);
        drop(self.lease.take());
        self.record
    }

    /// Why nothing was hit, if that is what was seen by whoever injected it. What happens and is over may be too quick to be seen.
    fn without_effect(&self, findings: &Findings) -> Option<String> {
        self.in_effect_since?;
        let is_unseen = !self.scope.is_momentary() && !self.is_believable();
        findings.no_effect.clone().or_else(|| is_unseen.then(|| self.looks.why_unseen()))
    }

    /// A journal that fails for a moment must not leave a fault pending that is over.
    async fn mark_stubbornly(&self, marks: impl Iterator<Item = &Mark>) -> Result<()> {
        const ATTEMPTS: u32 = 5;
        for mark in marks {
            let mut number = 1;
            while let Err(error) = self.safeguard.journal.mark(self.record.id, mark).await {
                if number == ATTEMPTS {
                    return Err(error);
                }
                if error.kind() == ErrorKind::Conflict {
                    // Somebody else has closed the fault meanwhile; what was seen here is newer.
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
        let activity = Activity::JournalFailed { fault: self.record.id, failure: error.into() };
        self.scope.observers().tell(self.scope.now(), activity);
    }
}

/// Whether trying again cannot help. What is merely unexpected is tried again: recoveries are idempotent.
fn is_hopeless(error: &Error) -> bool {
    let is_final = matches!(
        error.kind(),
        ErrorKind::Unsupported | ErrorKind::Denied | ErrorKind::InvalidInput | ErrorKind::Corrupt
    );
    is_final && !error.is_retryable()
}
