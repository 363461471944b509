//! Injected time: the [`Clock`] trait and the clock of this machine, [`SystemClock`].
//!
//! Nothing in this library reads ambient time. Tests use [`ManualClock`](crate::testing::ManualClock). Code that waits
//! for real things calls [`require_real_time`] first.

mod clock;
mod deadline;
mod paused;
pub(crate) mod seconds;

pub use clock::{Clock, SystemClock};
pub(crate) use clock::{after, until};
pub(crate) use deadline::Deadline;
pub use paused::require_real_time;
