//! How a recovery goes on within its budget: attempts, and the looks that tell what came of them.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;

use super::Active;
use crate::{
    Activity, Clock, Error, ErrorKind, Failure, Injection, Milestone, Permit, Result, Verdict,
    contain::contained,
};

/// How long one look at the target may take at least, and which share of the recovery's budget.
const LOOK_LIMIT: Duration = Duration::from_secs(30);
const LOOKS_IN_BUDGET: u32 = 6;

/// Which share of the budget one order to recover may take: one that hangs must leave time for others.
const ORDERS_IN_BUDGET: u32 = 3;

/// How an attempt to recover ended.
enum Attempt {
    Over { gone: Option<String> },
    Again(Error),
    GiveUp(Error),
}

/// What went wrong so far.
#[derive(Default)]
struct Latest(Mutex<Option<Error>>);

impl Latest {
    /// What merely took too long hides nothing that was answered before.
    fn keep(&self, error: Error) -> Failure {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let error = match latest.take() {
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

/// `error`, with the last real answer underneath.
fn after(error: Error, before: &Error) -> Error {
    use std::error::Error as _;
    if error.source().is_some() {
        return error;
    }
    // One real answer is enough, however many time-outs came after it.
    let real =
        if before.kind() == ErrorKind::Timeout { before.source().map(ToString::to_string) } else { None };
    let real = real.unwrap_or_else(|| before.chain());
    error.caused_by(real)
}

impl Active {
    /// Why the target is gone instead of back, if it is.
    pub(super) async fn within_budget(&self) -> Result<Option<String>, Failure> {
        let latest = Latest::default();
        tokio::select! {
            biased;
            ended = self.attempts(&latest) => ended,
            () = self.scope.clock().sleep(self.safeguard.retry.budget) => Err(latest.when_the_budget_is_spent()),
        }
    }

    async fn attempts(&self, latest: &Latest) -> Result<Option<String>, Failure> {
        let fault = self.record.id;
        let clock = self.scope.clock().as_ref();
        let ends = clock.monotonic().saturating_add(self.safeguard.retry.budget);
        let until = crate::clock::after(self.scope.now(), self.safeguard.retry.budget);
        if !self.is_believable() {
            // The deadline has passed: what this look could save is no longer than settling, and that is all it may cost.
            let _ = self.look_for(|| self.safeguard.retry.settle).await;
        }
        for number in 1.. {
            self.scope.observers().tell(self.scope.now(), Activity::Recovering { fault, attempt: number });
            let error = match self.attempt().await {
                Attempt::Over { gone } => return Ok(gone),
                Attempt::GiveUp(error) => return Err((&error).into()),
                Attempt::Again(error) => error,
            };
            // As long as the platform asks for, but never so long that nothing is tried any more.
            let asked = error.asks_to_wait().unwrap_or_default();
            let most = ends.saturating_sub(clock.monotonic()) / 2;
            let wait = self.safeguard.retry.wait_after(number).max(asked.min(most));
            let failure = latest.keep(error);
            let activity = Activity::RecoveryRetried { fault, attempt: number, failure, wait, until };
            self.scope.observers().tell(self.scope.now(), activity);
            clock.sleep(wait).await;
        }
        Err(Failure::new(ErrorKind::Timeout, "the recovery was tried more often than can be counted"))
    }

    async fn attempt(&self) -> Attempt {
        let permit = Permit::to_recover(&self.scope);
        let recovering =
            contained("the recovery", async { self.recovery.recover(&self.scope, &permit).await });
        let limit = || self.at_least(self.safeguard.retry.budget / ORDERS_IN_BUDGET);
        let recovered = patiently(self.scope.clock().as_ref(), limit, recovering)
            .await
            .unwrap_or_else(|| Err(took_too_long("the recovery", limit())));
        // A recovery that ended in an error may have done its work: only a look at the target tells.
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
                match recovered {
                    Err(error) if error.is_final() => Attempt::GiveUp(error),
                    Err(error) => Attempt::Again(error),
                    Ok(()) => {
                        let message = format!("the target is not back: {why}");
                        Attempt::Again(Error::new(ErrorKind::Unavailable, message))
                    }
                }
            }
            (Err(error), Err(unseen)) if error.is_final() && unseen.is_final() => Attempt::GiveUp(error),
            (Ok(()), Err(unseen)) if unseen.is_final() => Attempt::GiveUp(unseen),
            (Err(error), Err(_)) | (Ok(()), Err(error)) => Attempt::Again(error),
        }
    }

    /// Whether the first look that sees the target well may be believed.
    pub(super) fn is_believable(&self) -> bool {
        self.scope.injection() == Injection::NeverBegan
            || self.looks.last_in_effect().is_some()
            || self.scope.findings().is_seen
    }

    pub(super) async fn look(&self) -> Result<Verdict> {
        self.look_for(|| self.look_limit()).await
    }

    fn look_limit(&self) -> Duration {
        self.at_least(LOOK_LIMIT.max(self.safeguard.retry.budget / LOOKS_IN_BUDGET))
    }

    async fn look_for(&self, limit: impl Fn() -> Duration + Sync + Send) -> Result<Verdict> {
        let clock = self.scope.clock();
        let under_way = self.looks.take_the_one_under_way();
        let was_under_way = under_way.is_some();
        let (mut looking, began) = match under_way {
            Some(under_way) => under_way,
            None => {
                let (recovery, scope) = (Arc::clone(&self.recovery), self.scope.clone());
                let looking = async move { recovery.verify(&scope).await };
                (contained("the verification", looking).boxed(), clock.monotonic())
            }
        };
        let looked = match patiently(clock.as_ref(), limit, &mut looking).await {
            Some(looked) => looked,
            None => {
                let taken = clock.monotonic().saturating_sub(began);
                // One that goes on is waited for once more, and not begun again beside itself; unless it never ends.
                if !was_under_way {
                    self.looks.keep_under_way(looking, began);
                }
                Err(took_too_long("the verification", taken))
            }
        };
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

    /// This limit, or where whatever carries the orders to the target takes longer, what two of them may take.
    fn at_least(&self, limit: Duration) -> Duration {
        limit.max(self.scope.findings().answers_within.saturating_mul(2))
    }
}

/// Waits for `work` up to a limit that may grow meanwhile. None where that has passed.
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

fn took_too_long(what: &str, limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("{what} took too long")).with("limit", format_args!("{limit:.1?}"))
}
