//! Text that people read and write: foreign text made safe to show, and durations and sizes as a person writes them.

mod duration;
mod escaped;
mod size;

pub use duration::{duration_text, parse_duration};
pub use escaped::{Escaped, escaped};
pub use size::parse_size;
