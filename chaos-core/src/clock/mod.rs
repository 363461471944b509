//! Injected time: the [`Clock`] trait and this machine's own, [`SystemClock`].
//!
//! Nothing in this library reads ambient time. A test drives [`ManualClock`](crate::testing::ManualClock) instead; what
//! waits for real things asks [`require_real_time`] first.

mod clock;
mod deadline;
mod paused;
pub(crate) mod seconds;

pub use clock::{Clock, SystemClock};
pub(crate) use clock::{after, until};
pub(crate) use deadline::Deadline;
pub use paused::require_real_time;
