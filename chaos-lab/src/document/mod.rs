//! Documents: JSON and YAML as one value, and the problems of an experiment by their path in it.

mod json;
mod problem;
mod read;
mod yaml;

pub(crate) use problem::shown;
pub use problem::{Problem, Problems};
pub(crate) use read::read_text;
pub use read::{LARGEST, read};
