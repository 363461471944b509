//! Injected time: the [`Clock`] trait, the machine's own and one that tests drive.

mod clock;
mod deadline;
mod manual;

pub use clock::{Clock, SystemClock};
pub(crate) use clock::{after, until};
pub(crate) use deadline::Deadline;
pub use manual::ManualClock;
