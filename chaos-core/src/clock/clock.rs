use std::{fmt, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;

/// Where the library gets its time and its sleep from.
///
/// Nothing in this library reads ambient time; whoever wants a test to be exact passes a
/// [`ManualClock`](crate::ManualClock).
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The current instant of wall-clock time.
    fn now(&self) -> Timestamp;

    /// Returns after `duration` of monotonic time, whatever happens to the wall clock meanwhile.
    ///
    /// Cancel safe: dropping the future ends the wait and changes nothing.
    async fn sleep(&self, duration: Duration);
}

#[async_trait]
impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    async fn sleep(&self, duration: Duration) {
        (**self).sleep(duration).await;
    }
}

/// The time of this machine.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the ambient clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that sleeps for real")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The time from `from` until `to`; zero when `to` has passed.
pub(crate) fn until(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

/// `at + duration`, or the end of time where that cannot be represented.
pub(crate) fn after(at: Timestamp, duration: Duration) -> Timestamp {
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}
