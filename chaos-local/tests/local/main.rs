//! The promises of this crate against real processes. Nothing is left running after it: each test asks for the
//! processes that bear its own mark.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod adversary;
mod adversity;
mod attach;
mod contract;
mod faults;
mod fleet;
mod janitor;
mod namespaces;
mod processes;
mod shell;
mod support;
mod trees;
