//! The journal in files: its entries survive kills, strangers, full disks and other versions.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and say why"
)]

mod common;
mod contract;
mod files;
mod full_disk;
mod lost_log;
mod older_versions;
#[cfg(unix)]
mod others;
mod rounds;
mod scheduled;
mod sharing;
mod together;
mod unfit;
mod unreadable;
