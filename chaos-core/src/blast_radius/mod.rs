//! The blast radius: how much may be broken at once.

mod blast_radius;
mod failure_domain;
mod quota;
mod room;

pub use blast_radius::BlastRadius;
pub use failure_domain::FailureDomain;
pub use quota::{Percent, Quota};
pub(crate) use room::{Faults, Room, leaves_capacity};
