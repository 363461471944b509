//! Experiments in Chaos Toolkit's files. So far: how their parts are read, and what they mean.
//!
//! - [`experiment`] is what a file says, checked whole before anything runs.
//! - [`document`] reads JSON and YAML as those files have it, and tells every problem by its path.
//! - [`substitution`] replaces names by values of the configuration and of the secrets.
//! - [`tolerance`] judges what a probe yields.
//! - [`runner`] carries activities out.
//!
//! The differences from Chaos Toolkit 1.19 are told where they are. Only [`runner`] runs anything.

pub mod document;
pub mod experiment;
mod python;
pub mod runner;
pub mod substitution;
pub mod tolerance;
