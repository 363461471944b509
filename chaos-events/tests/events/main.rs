//! The events: over a platform with the manners of real ones, and their scripts on this machine.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and say why"
)]

mod adverse_platforms;
mod adversity;
mod catalogue;
mod contract;
mod experiments;
mod from_outside;
mod host_faults;
mod lifecycle_events;
mod slow_shell;
mod support;
