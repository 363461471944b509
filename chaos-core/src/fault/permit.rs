use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::FaultId;
use crate::{
    clock::{Clock, Deadline},
    error::{Error, ErrorKind, Result},
};

/// Proof that the recovery of a fault is durable. Every call that changes a target takes one. Only this crate makes
/// permits, after [`Journal::arm`](crate::journal::Journal::arm) has returned.
///
/// A permit is lent: you cannot make, clone or keep one.
pub struct Permit {
    fault: FaultId,
    deadline: Deadline,
    clock: Arc<dyn Clock>,
    /// Whether the permit is lent to a recovery, which no deadline stops.
    recovers: bool,
    recorder: Option<Recorder>,
}

/// Records how far an injection has come, under a name.
pub(super) type Recorder = Arc<dyn Fn(String, Value) -> BoxFuture<'static, Result<()>> + Send + Sync>;

impl Permit {
    pub(crate) fn to_inject(fault: FaultId, deadline: Deadline, clock: &Arc<dyn Clock>) -> Self {
        Self { fault, deadline, clock: Arc::clone(clock), recovers: false, recorder: None }
    }

    pub(crate) fn to_recover(fault: FaultId, deadline: Deadline, clock: &Arc<dyn Clock>) -> Self {
        Self { recovers: true, ..Self::to_inject(fault, deadline, clock) }
    }

    /// The permit of an injection whose progress is recorded.
    pub(super) fn recording(mut self, recorder: Recorder) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// The fault that this change belongs to. Every name on the target derives from it, so two faults never collide,
    /// and a recovery finds exactly its own.
    pub fn fault(&self) -> FaultId {
        self.fault
    }

    /// How long the fault may still last. The time is relative because the target's clock may be wrong. Zero when the
    /// deadline has passed.
    pub fn remaining(&self) -> Duration {
        self.deadline.remaining(self.clock.as_ref())
    }

    /// Gives one order to a platform, as far as the fault's deadline allows. It checks the remaining time before the
    /// order begins and whenever the order is polled, so neither the order nor a retry is sent after the deadline. A
    /// recovery's order is never stopped.
    ///
    /// # Errors
    /// `Timeout` once the deadline has passed. An order that was sent before may have taken effect.
    ///
    /// As cancel safe as `order`.
    pub async fn in_time<T>(&self, order: impl Future<Output = T>) -> Result<T> {
        if self.recovers {
            return Ok(order.await);
        }
        let (mut order, mut end) = (pin!(order), pin!(self.clock.sleep(self.remaining())));
        poll_fn(|context| {
            // The timer alone is not enough: it stands still while the machine sleeps, and both may be due at once.
            if self.remaining().is_zero() || end.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(self.too_late()));
            }
            order.as_mut().poll(context).map(Ok)
        })
        .await
    }

    /// Records how far the injection has come, durably, before it goes on. A recovery in any process reads it by
    /// [`RecoveryScope::progress`](crate::recovery::RecoveryScope::progress), so an injection of many steps records
    /// each step before it begins, and its recovery undoes those that have begun. A later value takes the place of an
    /// earlier one of the same name.
    ///
    /// # Errors
    /// The journal's. If another process has recovered the fault meanwhile, `Conflict`. Then do not go on. `Refused`
    /// for the permit of a recovery.
    ///
    /// Not cancel safe: a dropped call may have recorded the value or not.
    pub async fn record(&self, name: &str, value: impl Into<Value> + Send) -> Result<()> {
        let Some(recorder) = &self.recorder else {
            let what = "only an injection records its progress";
            return Err(Error::new(ErrorKind::Refused, what).with("fault", self.fault));
        };
        recorder(name.to_owned(), value.into()).await
    }

    fn too_late(&self) -> Error {
        let what = "the fault's deadline has passed, so no order of the injection is sent any more";
        Error::new(ErrorKind::Timeout, what).with("fault", self.fault).retryable(false)
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("fault", &self.fault)
            .field("deadline", &self.deadline)
            .field("recovers", &self.recovers)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::testing::ManualClock;

    const MINUTE: Duration = Duration::from_secs(60);

    fn permit(clock: &Arc<ManualClock>, recovers: bool) -> Permit {
        let deadline = Deadline::after(clock.as_ref(), MINUTE);
        Permit {
            fault: FaultId::from_entropy(1),
            deadline,
            clock: Arc::clone(clock) as _,
            recovers,
            recorder: None,
        }
    }

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::starting_at(Timestamp::UNIX_EPOCH))
    }

    /// A busy platform: the order is sent again every 25 s.
    async fn insist(clock: &ManualClock, sent: &AtomicUsize) {
        loop {
            sent.fetch_add(1, Ordering::SeqCst);
            clock.sleep(Duration::from_secs(25)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_attempt_at_an_order_begins_past_the_deadline() {
        let (clock, sent) = (clock(), AtomicUsize::new(0));
        let late = permit(&clock, false).in_time(insist(&clock, &sent)).await.unwrap_err();
        assert_eq!((late.kind(), late.is_retryable()), (ErrorKind::Timeout, false));
        assert_eq!((sent.load(Ordering::SeqCst), clock.monotonic()), (3, MINUTE), "at 0, 25 and 50 s");
    }

    /// The machine has slept, so its timers are not due yet; or this process was stopped, so both are due at once.
    #[tokio::test(start_paused = true)]
    async fn an_order_that_goes_on_when_it_is_too_late_is_given_up_first() {
        let (clock, sent) = (clock(), AtomicUsize::new(0));
        let jumping = async {
            clock.sleep(Duration::from_secs(10)).await;
            clock.jump(SignedDuration::from_hours(1));
        };
        let permit = permit(&clock, false);
        let (late, ()) = tokio::join!(permit.in_time(insist(&clock, &sent)), jumping);
        assert_eq!((late.is_err(), sent.load(Ordering::SeqCst)), (true, 1));
        let begun = permit.in_time(insist(&clock, &sent)).await;
        assert_eq!((begun.is_err(), sent.load(Ordering::SeqCst)), (true, 1), "nothing begins any more");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_done_in_time_is_told_and_no_recovery_is_held_up() {
        let clock = clock();
        assert_eq!(permit(&clock, false).in_time(async { 7 }).await.unwrap(), 7);
        let recovers = permit(&clock, true);
        let long = async {
            clock.sleep(MINUTE * 2).await;
            8
        };
        assert_eq!(recovers.in_time(long).await.unwrap(), 8);
        assert!(recovers.remaining().is_zero());
        assert_eq!(recovers.in_time(async { 9 }).await.unwrap(), 9, "past the deadline too");
    }
}
