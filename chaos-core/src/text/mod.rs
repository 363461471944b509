//! Text that people read and write: makes foreign text safe to show, and reads durations and sizes as people write
//! them.

mod duration;
mod escaped;
mod size;

pub use duration::{duration_text, parse_duration};
pub use escaped::{Escaped, escaped};
pub use size::parse_size;
