use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant;

/// The source of time and sleep for the library.
///
/// Nothing in this library reads ambient time. For exact tests, pass a [`ManualClock`](crate::testing::ManualClock).
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The current instant of wall-clock time.
    fn now(&self) -> Timestamp;

    /// The time since an instant that stays the same for the lifetime of this process. It never goes back, and setting
    /// the wall clock does not change it. The difference of two readings is a duration.
    fn monotonic(&self) -> Duration;

    /// Returns after `duration` of monotonic time, regardless of the wall clock.
    ///
    /// Cancel safe: dropping the future ends the wait and changes nothing.
    async fn sleep(&self, duration: Duration);
}

macro_rules! passed_on_by {
    ($($pointer:ident),*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<C: Clock + ?Sized> Clock for $pointer<C> {
            fn now(&self) -> Timestamp {
                (**self).now()
            }

            fn monotonic(&self) -> Duration {
                (**self).monotonic()
            }

            async fn sleep(&self, duration: Duration) {
                (**self).sleep(duration).await;
            }
        }
    )*};
}

passed_on_by!(Arc, Box);

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

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the ambient clock")]
    fn monotonic(&self) -> Duration {
        // Tokio's clock agrees with `sleep` when a test has paused time.
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        let now = Instant::now();
        now.saturating_duration_since(*ORIGIN.get_or_init(|| now))
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

/// `at + duration`, or the largest timestamp if the sum cannot be represented.
pub(crate) fn after(at: Timestamp, duration: Duration) -> Timestamp {
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}
