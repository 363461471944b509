//! The tables beside the package that they are made from and beside a second opinion, and what a calendar makes of
//! them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may panic, and say why")]

#[cfg(feature = "ical")]
mod company;
mod exclusion;
mod package;
