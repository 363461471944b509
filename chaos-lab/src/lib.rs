//! Experiments in files: Chaos Toolkit's format, with honest verdicts and rollbacks that are not lost.

pub mod document;
mod python;
mod substitution;
mod tolerance;
