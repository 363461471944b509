//! Text that people read and write: makes foreign text safe to show, reads durations and sizes as people write them,
//! and finds the name that a misspelt one means.

mod duration;
mod escaped;
mod nearest;
mod size;

pub use duration::{duration_text, parse_duration};
pub use escaped::{Escaped, escaped};
pub use nearest::nearest;
pub use size::parse_size;
