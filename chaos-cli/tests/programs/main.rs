//! The programs as people run them: real processes, journals and fleets.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and say why"
)]

#[cfg(feature = "aws")]
mod aws_account;
#[cfg(feature = "aws")]
mod aws_drill;
#[cfg(all(feature = "aws", feature = "lab"))]
mod aws_engine;
#[cfg(all(feature = "aws", feature = "lab"))]
mod aws_experiments;
#[cfg(feature = "azure")]
mod azure_drill;
#[cfg(all(feature = "azure", feature = "lab"))]
mod azure_experiments;
#[cfg(feature = "azure")]
mod azure_subscription;
#[cfg(feature = "lab")]
mod chaos_toolkit_compat;
#[cfg(all(feature = "aws", feature = "azure"))]
mod cloud_crash_proof;
mod crash_proof;
#[cfg(feature = "service")]
mod deploy;
mod documents;
mod drill;
mod dues;
mod endings;
mod every_program;
#[cfg(feature = "lab")]
mod experiments;
#[cfg(feature = "service")]
mod holidays;
mod host_crash_proof;
mod host_drill;
#[cfg(feature = "service")]
mod monkey_diagnose;
#[cfg(feature = "service")]
mod monkey_dues;
#[cfg(feature = "service")]
mod monkey_file;
#[cfg(feature = "service")]
mod monkey_service;
#[cfg(feature = "service")]
mod monkey_told;
mod old_journal;
mod own_event;
mod own_provider;
#[cfg(feature = "lab")]
mod run_report;
mod signals;
#[cfg(feature = "aws")]
#[path = "../../../chaos-aws/tests/aws/stand_in.rs"]
#[allow(dead_code, reason = "the tests of chaos-aws use the rest")]
mod stand_in;
mod steady_crash_proof;
mod steady_drill;
mod support;
mod ten_lines;
mod terminal;
