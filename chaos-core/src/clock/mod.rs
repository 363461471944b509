//! Injected time: the [`Clock`] trait, the machine's own and one that tests drive.

mod clock;
mod deadline;
mod manual;
mod paused;

pub use clock::{Clock, SystemClock};
pub(crate) use clock::{after, until};
pub(crate) use deadline::Deadline;
pub use manual::ManualClock;
pub use paused::require_real_time;
