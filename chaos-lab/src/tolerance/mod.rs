//! Tolerances of Chaos Toolkit's files: what they mean there, and always an answer.

mod decimal;
mod json_path;
mod judge;
mod pattern;
mod read;
mod rule;
mod tolerance;

pub use tolerance::Tolerance;
