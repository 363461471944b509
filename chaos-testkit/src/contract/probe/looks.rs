//! Looks that end in time, that are dropped half-way, and that are timed.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use chaos_core::{
    Result,
    steady_state::{Probe, Reading},
};

use crate::{
    Timing,
    report::{Checked, ensure},
};

/// Looks once. `None` if the look did not end in time.
pub(super) async fn look(timing: &Timing, probe: &impl Probe) -> Option<Result<Reading>> {
    within(timing, probe.look(timing.clock().as_ref())).await
}

/// Drops a look after so many polls. Whether it was over by then.
pub(super) async fn dropped_after(polls: usize, timing: &Timing, probe: &impl Probe) -> bool {
    let mut looking = pin!(probe.look(timing.clock().as_ref()));
    let mut left = polls;
    let polled = poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match looking.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    });
    // One that does not end is dropped all the same.
    within(timing, polled).await.unwrap_or(true)
}

async fn within<T>(timing: &Timing, ends: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        ended = ends => Some(ended),
        () = timing.clock().sleep(timing.settle_limit()) => None,
    }
}

/// The longest time for which one poll of a look kept its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Blocking(Duration);

impl Blocking {
    pub(super) const FOREVER: Self = Self(Duration::MAX);

    /// More than a busy machine adds to a poll that does not block.
    const TOLERABLE: Duration = Duration::from_millis(500);

    pub(super) async fn of(timing: &Timing, probe: &impl Probe) -> Self {
        let mut longest = Duration::ZERO;
        let mut looking = pin!(probe.look(timing.clock().as_ref()));
        let timed = poll_fn(|context| {
            let began = now();
            let polled = looking.as_mut().poll(context);
            longest = longest.max(began.elapsed());
            polled
        });
        // Another check is about its result.
        let _ = within(timing, timed).await;
        Self(longest)
    }

    pub(super) fn ensure_tolerable(self) -> Checked {
        ensure!(self.0 < Self::TOLERABLE, "each look kept its thread for {:?} at once, or longer", self.0);
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a thread is blocked in real time, even if the clock is paused"
)]
fn now() -> Instant {
    Instant::now()
}
