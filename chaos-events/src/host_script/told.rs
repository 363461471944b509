use std::{sync::Arc, time::Duration};

use chaos_core::clock::Clock;

/// An uptime of the machine, and when it was reported.
#[derive(Debug)]
pub(super) struct Told {
    /// In hundredths of a second.
    uptime: u64,
    /// The injector's clock when the answer arrived.
    at: Duration,
    clock: Arc<dyn Clock>,
}

impl Told {
    /// An uptime in hundredths of a second that has just arrived.
    pub(super) fn now(uptime: u64, clock: Arc<dyn Clock>) -> Self {
        Self { uptime, at: clock.monotonic(), clock }
    }

    /// The machine's uptime at that time, in hundredths of a second. It is early by the time that its answer took and
    /// by the difference between the two clocks, and never late.
    pub(super) fn uptime_in(&self, left: Duration) -> u64 {
        let since = self.clock.monotonic().saturating_sub(self.at);
        let since = hundredths(since).saturating_sub(hundredths(since).div_ceil(1_000));
        self.uptime.saturating_add(since).saturating_add(hundredths(left))
    }
}

pub(super) fn hundredths(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis() / 10).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use chaos_core::testing::ManualClock;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_counts_from_the_start_and_is_never_late() {
        let clock = Arc::new(ManualClock::starting_at(jiff::Timestamp::UNIX_EPOCH));
        let told = Told::now(1_000, clock.clone());
        assert_eq!(told.uptime_in(Duration::from_secs(30)), 4_000);
        // After a slow approval, the whole hold is still left, even if the clocks differ by a thousandth.
        clock.sleep(Duration::from_secs(20)).await;
        assert_eq!(told.uptime_in(Duration::from_secs(30)), 5_998);
        assert_eq!(told.uptime_in(Duration::ZERO), 2_998);
        assert_eq!(told.uptime_in(Duration::MAX), u64::MAX);
    }
}
