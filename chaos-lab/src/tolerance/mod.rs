//! Tolerances of Chaos Toolkit's files: what they mean there, and always an answer.

mod decimal;
mod json_path;
mod pattern;
mod read;
mod tolerance;

pub(crate) use read::read;
pub(crate) use tolerance::Tolerance;
