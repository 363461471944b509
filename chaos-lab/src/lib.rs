//! Experiments in Chaos Toolkit's files, run with honest verdicts, and with rollbacks that are not lost.
//!
//! - [`experiment`] reads a file, and tells everything that is wrong with it at once.
//! - [`run`] carries it out: [`Lab::run`](run::Lab::run) gives an [`ExperimentReport`](run::ExperimentReport).
//! - [`report`] shows what happened: as a page, for a pull request, for a build server, or as data.
//! - [`runner`] carries single activities out.
//! - [`tolerance`] judges what a probe yields, and [`substitution`] replaces names by values.
//! - [`document`] reads JSON and YAML as those files have it.
//!
//! The differences from Chaos Toolkit 1.19 are told where they are.

pub mod catalogues;
pub mod document;
pub mod experiment;
mod functions;
mod masks;
mod python;
pub mod report;
pub mod run;
pub mod runner;
mod statistics;
pub mod substitution;
pub mod tolerance;
