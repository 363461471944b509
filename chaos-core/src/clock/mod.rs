//! Injected time: the [`Clock`] trait, the machine's own and one that tests drive.

mod clock;
mod manual;

pub use clock::{Clock, SystemClock};
pub(crate) use clock::{after, until};
pub use manual::ManualClock;
