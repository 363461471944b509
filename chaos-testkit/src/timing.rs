use std::{sync::Arc, time::Duration};

use chaos_core::clock::{Clock, SystemClock};
use jiff::Timestamp;

/// How long a suite waits for what, and on which clock.
///
/// Under tokio's paused time give it a [`ManualClock`](chaos_core::testing::ManualClock): every wait costs nothing
/// then. No suite needs paused time.
#[derive(Clone, Debug)]
pub struct Timing {
    clock: Arc<dyn Clock>,
    settle: Duration,
    quiet: Duration,
    poll: Duration,
}

impl Timing {
    /// The defaults over `clock`.
    pub fn new(clock: impl Clock) -> Self {
        Self {
            clock: Arc::new(clock),
            settle: Duration::from_secs(10),
            quiet: Duration::from_secs(1),
            poll: Duration::from_millis(20),
        }
    }

    /// Sets how long a target may take to arrive where it was sent: stopped, healthy again, replaced. Default 10 s. A
    /// contract that is kept never waits so long.
    #[must_use]
    pub fn settle(mut self, limit: Duration) -> Self {
        self.settle = limit;
        self
    }

    /// Sets how long nothing must happen before a suite believes that nothing will: that an unsupported operation
    /// changed nothing, that a group replaces nobody. Default 1 s; more than a provider takes to act.
    #[must_use]
    pub fn quiet(mut self, span: Duration) -> Self {
        self.quiet = span;
        self
    }

    /// Sets the time between two looks at a target. Default 20 ms.
    #[must_use]
    pub fn poll(mut self, interval: Duration) -> Self {
        self.poll = interval;
        self
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn quiet_span(&self) -> Duration {
        self.quiet
    }

    pub(crate) fn settle_limit(&self) -> Duration {
        self.settle
    }

    pub(crate) fn poll_interval(&self) -> Duration {
        self.poll
    }

    /// Waits until the next look.
    pub(crate) async fn pause(&self) {
        self.clock.sleep(self.poll).await;
    }

    /// How long all waits of one fault may take together.
    pub(crate) fn fault_limit(&self) -> Duration {
        self.settle.saturating_mul(5).saturating_add(self.quiet)
    }

    /// How long one check may take: three faults, so that what is wrong with one is said before this is.
    pub(crate) fn check_limit(&self) -> Duration {
        self.fault_limit().saturating_mul(3)
    }

    /// Looks until something has arrived.
    pub(crate) fn watch_settling(&self) -> Watch<'_> {
        self.watch(self.settle)
    }

    /// Looks whether nothing happens.
    pub(crate) fn watch_quiet(&self) -> Watch<'_> {
        self.watch(self.quiet)
    }

    fn watch(&self, limit: Duration) -> Watch<'_> {
        let ends = self.clock.now().checked_add(limit).unwrap_or(Timestamp::MAX);
        Watch { timing: self, ends }
    }
}

impl Default for Timing {
    /// The defaults over the time of this machine.
    fn default() -> Self {
        Self::new(SystemClock::default())
    }
}

/// A limited time of looking again and again.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    timing: &'a Timing,
    ends: Timestamp,
}

impl Watch<'_> {
    /// Waits until the next look; false when the time is up.
    pub(crate) async fn again(&self) -> bool {
        if self.timing.clock.now() >= self.ends {
            return false;
        }
        self.timing.pause().await;
        true
    }
}
