//! The blast radius: how much may be broken at once.

mod blast_radius;
mod quota;

pub use blast_radius::BlastRadius;
pub use quota::{Percent, Quota};
