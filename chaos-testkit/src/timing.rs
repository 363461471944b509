use std::{sync::Arc, time::Duration};

use chaos_core::clock::{Clock, SystemClock};
use jiff::Timestamp;

/// The waiting times of a suite, and its clock.
///
/// With tokio's paused time, give it a [`ManualClock`](chaos_core::testing::ManualClock); then every wait takes no
/// time. No suite needs paused time.
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

    /// Sets how long a target may take to reach the expected state: stopped, healthy again, replaced. Default: 10 s. If
    /// the contract is kept, no wait is that long.
    #[must_use]
    pub fn settle(mut self, limit: Duration) -> Self {
        self.settle = limit;
        self
    }

    /// Sets how long nothing must happen before a suite concludes that nothing will happen, for instance that an
    /// unsupported operation changed nothing, or that a group does not replace its members. It must be more than a
    /// provider takes to act. Default: 1 s.
    #[must_use]
    pub fn quiet(mut self, span: Duration) -> Self {
        self.quiet = span;
        self
    }

    /// Sets the time between two looks at a target. Default: 20 ms.
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

    /// The time for all waits of one fault together.
    pub(crate) fn fault_limit(&self) -> Duration {
        self.settle.saturating_mul(5).saturating_add(self.quiet)
    }

    /// The time for one check: three faults, so that a problem with one is reported before this limit.
    pub(crate) fn check_limit(&self) -> Duration {
        self.fault_limit().saturating_mul(3)
    }

    /// Looks until the expected state is reached.
    pub(crate) fn watch_settling(&self) -> Watch<'_> {
        self.watch(self.settle)
    }

    /// Checks that nothing happens.
    pub(crate) fn watch_quiet(&self) -> Watch<'_> {
        self.watch(self.quiet)
    }

    fn watch(&self, limit: Duration) -> Watch<'_> {
        let ends = self.clock.now().checked_add(limit).unwrap_or(Timestamp::MAX);
        Watch { timing: self, ends }
    }
}

impl Default for Timing {
    /// The defaults over the clock of this machine.
    fn default() -> Self {
        Self::new(SystemClock::default())
    }
}

/// Repeated looks within a time limit.
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
