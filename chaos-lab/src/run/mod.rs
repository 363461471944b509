//! The run of an experiment.
//!
//! [`Lab::run`] looks whether the hypothesis holds, carries out the method, looks again, plays the rollbacks, and says
//! in an [`ExperimentReport`] what happened.
//!
//! The method is the injection of one fault, and the rollbacks are its recovery. So they are in the journal before the
//! first activity of the method, and the monkey plays them however the run ends. If the process is killed,
//! `recover` plays them from the journal: [`registry`] reads them, and [`ExperimentProvider`] stands for their target.

mod activity_run;
mod approve;
mod budget;
mod by_hand;
mod changes;
mod chaos;
mod check;
mod compatible;
mod concluded;
mod controls;
mod due;
mod engine;
mod event;
mod follow;
#[cfg(any(feature = "aws", feature = "azure"))]
mod function_injection;
#[cfg(not(any(feature = "aws", feature = "azure")))]
#[path = "without_clouds.rs"]
mod function_injection;
mod hooks;
mod hypothesis;
mod hypothesis_look;
mod injecting;
#[cfg(any(feature = "aws", feature = "azure"))]
mod injection_watch;
mod interrupt;
mod journal_writer;
mod judge;
mod lab;
mod method;
mod names;
mod narrow_journal;
mod options;
mod perform;
mod progress;
mod python;
mod quiet;
mod recover;
mod report;
mod rollbacks;
mod runners;
mod samples;
mod scale_up;
mod secrets;
mod state;
mod status;
mod steps;
mod target;
mod toolkit_journal;
mod verdict;
mod watch;

pub use activity_run::{ActivityRun, ActivityStatus};
pub use approve::Approve;
pub use follow::Follow;
pub use hypothesis_look::HypothesisLook;
pub use interrupt::Interrupt;
pub use lab::Lab;
pub use options::{Dry, RunOptions};
pub use report::ExperimentReport;
pub use rollbacks::{Rollbacks, registry};
pub use scale_up::ScaleUpReport;
pub use target::ExperimentProvider;
pub use verdict::ExperimentVerdict;
