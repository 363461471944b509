//! The course of a recovery within its budget: attempts, and looks at their results.

use std::{
    error::Error as _,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;

use super::{Active, Injection, Milestone, Permit};
use crate::{
    clock::Clock,
    contain::contained,
    error::{Error, ErrorKind, Failure, Result},
    observer::Activity,
    recovery::Verdict,
};

/// The minimum time for one look at the target, and its share of the recovery's budget.
const LOOK_LIMIT: Duration = Duration::from_secs(30);
const LOOKS_IN_BUDGET: u32 = 6;

/// The share of the budget for one order to recover: an order that hangs must leave time for others.
const ORDERS_IN_BUDGET: u32 = 3;

/// The result of an attempt to recover.
enum Attempt {
    Over {
        gone: Option<String>,
    },
    /// Adds the findings of a look, if the error does not contain them.
    Again(Error, Option<String>),
    GiveUp(Error),
}

/// The failures so far.
#[derive(Default)]
struct Latest(Mutex<Option<Error>>);

impl Latest {
    /// A mere time-out does not hide an earlier answer or, failing that, the findings of a look.
    fn keep(&self, error: Error, missing: Option<String>) -> Failure {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = missing.map(|missing| Error::new(ErrorKind::Unavailable, missing));
        let is_answer = |before: &Error| before.kind() != ErrorKind::Timeout || before.source().is_some();
        let error = match latest.take().filter(is_answer).or(missing) {
            Some(before) if error.kind() == ErrorKind::Timeout => after(error, &before),
            _ => error,
        };
        let failure = Failure::from(&error);
        *latest = Some(error);
        failure
    }

    fn when_the_budget_is_spent(&self) -> Failure {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(error) => error.into(),
            None => Failure::new(ErrorKind::Timeout, "the recovery took longer than its budget"),
        }
    }
}

/// `error`, with the last real answer as its source.
fn after(error: Error, before: &Error) -> Error {
    match (error.source(), before.kind(), before.source()) {
        (Some(_), ..) => error,
        // One real answer is enough, however many time-outs came after it.
        (None, ErrorKind::Timeout, Some(real)) => error.caused_by(real.to_string()),
        (None, ..) => error.caused_by(before.chain()),
    }
}

impl Active {
    /// Why the target is gone instead of back, if it is gone.
    pub(super) async fn within_budget(&self) -> Result<Option<String>, Failure> {
        let latest = Latest::default();
        tokio::select! {
            biased;
            ended = self.attempts(&latest) => ended,
            () = self.scope.clock().sleep(self.safeguard.retry.budget) => Err(latest.when_the_budget_is_spent()),
        }
    }

    async fn attempts(&self, latest: &Latest) -> Result<Option<String>, Failure> {
        let clock = self.scope.clock().as_ref();
        let ends = clock.monotonic().saturating_add(self.safeguard.retry.budget);
        let until = crate::clock::after(self.scope.now(), self.safeguard.retry.budget);
        if !self.is_believable() {
            // The deadline has passed. This look can save at most the settling time, so it may cost at most that,
            // unless an order to recover would have to wait for it on the target anyway.
            let limit = || self.safeguard.retry.settle.max(self.scope.findings().answers_within);
            let _ = self.look_for(limit).await;
            self.looks.forget_the_one_under_way();
        }
        for number in 1.. {
            let (fault, attempt) = (self.identity(), number);
            self.scope.observers().tell(self.scope.now(), Activity::Recovering { fault, attempt });
            let (error, missing) = match self.attempt().await {
                Attempt::Over { gone } => return Ok(gone),
                Attempt::GiveUp(error) => return Err((&error).into()),
                Attempt::Again(error, missing) => (error, missing),
            };
            let left = ends.saturating_sub(clock.monotonic());
            let asked = error.asks_to_wait().map_or(Duration::ZERO, |asked| within_reason(asked, left));
            let wait = self.safeguard.retry.wait_after(number).max(asked);
            let failure = latest.keep(error, missing);
            let fault = self.identity();
            let activity = Activity::RecoveryRetried { fault, attempt, failure, wait, until };
            self.scope.observers().tell(self.scope.now(), activity);
            clock.sleep(wait).await;
        }
        Err(Failure::new(ErrorKind::Timeout, "the recovery was attempted more often than can be counted"))
    }

    async fn attempt(&self) -> Attempt {
        let permit = Permit::to_recover(self.scope.fault(), self.scope.bound(), self.scope.clock());
        let recovering =
            contained("the recovery", async { self.recovery.recover(&self.scope, &permit).await });
        let limit = || self.at_least(self.safeguard.retry.budget / ORDERS_IN_BUDGET);
        let recovered = patiently(self.scope.clock().as_ref(), limit, recovering)
            .await
            .unwrap_or_else(|| Err(took_too_long("the recovery", limit())));
        // A recovery that ended with an error may have done its work. Only a look at the target tells.
        let mut verdict = self.look().await;
        if !self.is_believable() && matches!(verdict, Ok(Verdict::Back)) {
            self.scope.clock().sleep(self.safeguard.retry.settle).await;
            verdict = self.look().await;
        }
        match (recovered, verdict) {
            (_, Ok(Verdict::Back)) => Attempt::Over { gone: None },
            (_, Ok(Verdict::Gone(why))) => Attempt::Over { gone: Some(why) },
            (recovered, Ok(Verdict::NotYet(why))) => {
                self.scope.forget(Milestone::Healthy);
                let missing = format!("the target is not back: {why}");
                match recovered {
                    Err(error) if error.is_final() => Attempt::GiveUp(error),
                    Err(error) => Attempt::Again(error, Some(missing)),
                    Ok(()) => Attempt::Again(Error::new(ErrorKind::Unavailable, missing), None),
                }
            }
            (Err(error), Err(unseen)) if error.is_final() && unseen.is_final() => Attempt::GiveUp(error),
            (Ok(()), Err(unseen)) if unseen.is_final() => Attempt::GiveUp(unseen),
            (Err(error), Err(_)) | (Ok(()), Err(error)) => Attempt::Again(error, None),
        }
    }

    /// Whether the first look that sees the target well may be trusted.
    pub(super) fn is_believable(&self) -> bool {
        self.scope.injection() == Injection::NeverBegan
            || self.looks.last_in_effect().is_some()
            || self.scope.findings().is_seen
    }

    pub(super) async fn look(&self) -> Result<Verdict> {
        // A look that took too long is awaited, and no second look begins beside it. Its answer may be from before the
        // latest order.
        if let Some((looking, began)) = self.looks.take_the_one_under_way() {
            let clock = self.scope.clock();
            if patiently(clock.as_ref(), || self.look_limit(), looking).await.is_some() {
                self.looks.took(clock.monotonic().saturating_sub(began));
            }
        }
        self.look_for(|| self.look_limit()).await
    }

    fn look_limit(&self) -> Duration {
        let limit = LOOK_LIMIT.max(self.safeguard.retry.budget / LOOKS_IN_BUDGET);
        self.at_least(limit.max(self.looks.slowest().saturating_mul(2)))
    }

    async fn look_for(&self, limit: impl Fn() -> Duration + Sync + Send) -> Result<Verdict> {
        let clock = self.scope.clock();
        let began = clock.monotonic();
        let (recovery, scope) = (Arc::clone(&self.recovery), self.scope.clone());
        let looking = async move { recovery.verify(&scope).await };
        let mut looking = contained("the verification", looking).boxed();
        let looked = patiently(clock.as_ref(), limit, &mut looking).await;
        let taken = clock.monotonic().saturating_sub(began);
        let looked = match looked {
            Some(looked) => {
                self.looks.took(taken);
                looked
            }
            None => {
                self.looks.keep_under_way(looking, began);
                Err(took_too_long("the verification", taken))
            }
        };
        let is_held = self.scope.is_held();
        match &looked {
            Err(error) => self.looks.failed(error),
            Ok(Verdict::NotYet(_)) => self.looks.saw_it_in_effect(began, is_held),
            // A fault that a look finds over after the deadline may have ended in time.
            Ok(Verdict::Back | Verdict::Gone(_)) if !self.remaining().is_zero() => {
                self.looks.saw_it_over(began, is_held)
            }
            _ => {}
        }
        looked
    }

    /// This limit, or the time of two orders if the transport to the target takes longer.
    fn at_least(&self, limit: Duration) -> Duration {
        limit.max(self.scope.findings().answers_within.saturating_mul(2))
    }
}

/// Waits for `work` up to a limit that may grow meanwhile. `None` if the limit has passed.
async fn patiently<T>(
    clock: &dyn Clock,
    limit: impl Fn() -> Duration + Send + Sync,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    let begun = clock.monotonic();
    loop {
        let left = limit().saturating_sub(clock.monotonic().saturating_sub(begun));
        if left.is_zero() {
            return None;
        }
        tokio::select! {
            biased;
            done = &mut work => return Some(done),
            () = clock.sleep(left) => {}
        }
    }
}

/// The time that a platform asks to wait, unless no time would be `left` in the budget for a retry then.
fn within_reason(asked: Duration, left: Duration) -> Duration {
    if asked <= left - left / 10 { asked } else { left / 2 }
}

fn took_too_long(what: &str, limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("{what} took too long")).with("limit", format_args!("{limit:.1?}"))
}
