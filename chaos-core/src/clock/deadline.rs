use std::time::Duration;

use jiff::Timestamp;

use super::{Clock, after, until};

/// An instant by which something must be over, and the longest time that may pass until then.
///
/// The second bound protects against a wall clock that is set back: a minute must not become an hour and a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    at: Timestamp,
    /// The wall clock when it was set.
    set_at: Timestamp,
    /// The monotonic clock at the same moment.
    origin: Duration,
    longest: Duration,
}

impl Deadline {
    /// `duration` from now.
    pub(crate) fn after(clock: &dyn Clock, duration: Duration) -> Self {
        let now = clock.now();
        Self { at: after(now, duration), set_at: now, origin: clock.monotonic(), longest: duration }
    }

    /// A deadline that an earlier process has set at `since`.
    pub(crate) fn set(clock: &dyn Clock, since: Timestamp, at: Timestamp) -> Self {
        Self { at, set_at: clock.now(), origin: clock.monotonic(), longest: until(since, at) }
    }

    /// The instant.
    pub(crate) fn at(self) -> Timestamp {
        self.at
    }

    /// The instant by the monotonic clock.
    pub(crate) fn by_monotonic(self) -> Duration {
        self.origin.saturating_add(self.longest)
    }

    /// The time that is left; zero when the instant has passed by either clock.
    pub(crate) fn remaining(self, clock: &dyn Clock) -> Duration {
        until(clock.now(), self.at).min(self.longest.saturating_sub(self.elapsed(clock)))
    }

    /// The current time: the wall clock when this deadline was set, plus the monotonic time that has passed since.
    /// Setting the wall clock meanwhile does not change the difference of two such times.
    pub(crate) fn now(self, clock: &dyn Clock) -> Timestamp {
        after(self.set_at, self.elapsed(clock))
    }

    /// The time that has passed since it was set, by the monotonic clock.
    pub(crate) fn elapsed(self, clock: &dyn Clock) -> Duration {
        clock.monotonic().saturating_sub(self.origin)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::testing::ManualClock;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_prolongs_nothing_and_changes_no_figure() {
        let noon: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        let minute = Duration::from_secs(60);
        let clock = ManualClock::starting_at(noon);
        let deadline = Deadline::after(&clock, minute);
        assert_eq!(deadline.remaining(&clock), minute);
        clock.sleep(minute / 2).await;
        assert_eq!(deadline.remaining(&clock), minute / 2);
        clock.jump(-SignedDuration::from_hours(1));
        assert_eq!(deadline.remaining(&clock), minute / 2, "set back");
        assert_eq!(deadline.now(&clock), after(noon, minute / 2));
        clock.sleep(minute / 2).await;
        assert_eq!(deadline.remaining(&clock), Duration::ZERO, "by the monotonic clock");
        let deadline = Deadline::after(&clock, minute);
        clock.jump(SignedDuration::from_hours(2));
        assert_eq!(deadline.remaining(&clock), Duration::ZERO, "by the wall clock");
    }
}
