//! Experiments in files: Chaos Toolkit's format, with honest verdicts and rollbacks that are not lost.

pub mod document;
pub mod experiment;
mod python;
mod substitution;
mod tolerance;
