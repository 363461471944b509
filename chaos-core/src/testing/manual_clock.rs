use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::clock::{self, Clock};

/// A clock for tests, over tokio's paused time.
///
/// Its wall clock starts at a given time and moves with tokio's time. With `#[tokio::test(start_paused = true)]`,
/// sleeps return at once, in the right order, so an hour of hold takes no time. [`jump`](ManualClock::jump) moves the
/// wall clock alone, as a correction by NTP would.
///
/// ```
/// use std::time::Duration;
/// use chaos_core::{clock::Clock, testing::ManualClock};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = ManualClock::starting_at("2026-03-02T09:00:00Z".parse()?);
/// clock.sleep(Duration::from_secs(3600)).await;
/// assert_eq!(clock.now(), "2026-03-02T10:00:00Z".parse()?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    origin: tokio::time::Instant,
    jumped_nanoseconds: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `start` now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this clock is a view of tokio's own time, which tests pause"
    )]
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, origin: tokio::time::Instant::now(), jumped_nanoseconds: AtomicI64::new(0) }
    }

    /// Moves the wall clock without letting time pass: no sleep ends. The sum of all jumps stays within ±292 years.
    pub fn jump(&self, by: SignedDuration) {
        let nanoseconds =
            i64::try_from(by.as_nanos()).unwrap_or(if by.is_negative() { i64::MIN } else { i64::MAX });
        self.jumped_nanoseconds.fetch_add(nanoseconds, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for ManualClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this clock is a view of tokio's own time, which tests pause"
    )]
    fn now(&self) -> Timestamp {
        let elapsed = tokio::time::Instant::now().duration_since(self.origin);
        let jumped = SignedDuration::from_nanos(self.jumped_nanoseconds.load(Ordering::SeqCst));
        let shown = clock::after(self.start, elapsed);
        shown.checked_add(jumped).unwrap_or(if jumped.is_negative() {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this clock is a view of tokio's own time, which tests pause"
    )]
    fn monotonic(&self) -> Duration {
        tokio::time::Instant::now().duration_since(self.origin)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this clock is a view of tokio's own time, which tests pause"
    )]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_jump_moves_the_wall_clock_and_wakes_nobody() {
        let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
        let sleep = clock.sleep(Duration::from_secs(60));
        tokio::pin!(sleep);
        clock.jump(SignedDuration::from_hours(5));
        assert_eq!(clock.now(), Timestamp::from_second(5 * 3600).unwrap());
        let woke = tokio::select! {
            biased;
            () = &mut sleep => true,
            () = std::future::ready(()) => false,
        };
        assert!(!woke);
        sleep.await;
        assert_eq!(clock.now(), Timestamp::from_second(5 * 3600 + 60).unwrap());
    }
}
