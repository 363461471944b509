//! The provider against a stand-in for AWS: moto's server, with a record of the calls, trouble on request, and scripts
//! that run.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

#[cfg(feature = "api")]
mod api;
mod cloud;
#[cfg(feature = "cloudwatch")]
mod cloudwatch;
mod contract;
mod cut_answers;
mod discovery;
mod doubts;
mod events;
#[cfg(feature = "fis")]
mod fis;
mod host_events;
mod iam;
mod isolation;
mod late;
mod lost_answers;
mod members;
#[cfg(feature = "notify")]
mod notify;
mod refusals;
mod requests;
mod scripts;
mod stand_in;
mod trouble;
