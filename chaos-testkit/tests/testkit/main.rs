//! The suites against liars: every check of each sees one.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and say why"
)]

mod adversity;
mod calendar;
#[cfg(unix)]
mod crash;
mod event;
mod faulty;
mod journal;
mod lend;
mod probe;
mod provider;
mod recovery;
mod support;
mod target;
mod ten_days;
