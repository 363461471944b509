use std::time::Duration;

use jiff::Timestamp;

use super::{after, until};

/// An instant by which something must be over, and how long that can be from now at most.
///
/// The second bound is for a wall clock that is set back: what was to last a minute must not last a minute and an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    at: Timestamp,
    longest: Duration,
}

impl Deadline {
    /// `duration` after `now`.
    pub(crate) fn after(now: Timestamp, duration: Duration) -> Self {
        Self { at: after(now, duration), longest: duration }
    }

    /// A deadline that was set at `since`.
    pub(crate) fn set(since: Timestamp, at: Timestamp) -> Self {
        Self { at, longest: until(since, at) }
    }

    /// The instant.
    pub(crate) fn at(self) -> Timestamp {
        self.at
    }

    /// The time that is left at `now`; zero when the instant has passed.
    pub(crate) fn remaining(self, now: Timestamp) -> Duration {
        until(now, self.at).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_prolongs_nothing() {
        let noon: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
        let minute = Duration::from_secs(60);
        let deadline = Deadline::after(noon, minute);
        assert_eq!(deadline.remaining(noon), minute);
        assert_eq!(deadline.remaining(after(noon, minute / 2)), minute / 2);
        assert_eq!(deadline.remaining(after(noon, minute * 2)), Duration::ZERO);
        assert_eq!(deadline.remaining(noon.checked_sub(minute * 60).unwrap()), minute);
    }
}
