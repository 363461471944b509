use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chaos_core::clock::Clock;
use jiff::Timestamp;

/// A clock that is faster than that of this machine, which the fake uses.
#[derive(Debug)]
pub(crate) struct FastClock {
    start: Timestamp,
    origin: Instant,
}

impl FastClock {
    pub(crate) const FACTOR: u32 = 10;

    #[expect(clippy::disallowed_methods, reason = "time of this machine, made faster")]
    pub(crate) fn start() -> Arc<dyn Clock> {
        Arc::new(Self { start: "2026-03-02T09:00:00Z".parse().unwrap(), origin: Instant::now() })
    }
}

#[async_trait]
impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        self.start + self.origin.elapsed() * Self::FACTOR
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed() * Self::FACTOR
    }

    #[expect(clippy::disallowed_methods, reason = "time of this machine, made faster")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration / Self::FACTOR).await;
    }
}
