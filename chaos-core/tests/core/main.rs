//! The library from outside: what it promises, and what the compiler refuses.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and say why"
)]

mod before_injection;
mod by_type;
mod calendar_properties;
mod cancellation;
mod cancellation_with_probes;
mod catalogue;
mod dues;
mod embedding;
mod failure_domains;
mod group_rules;
mod groups;
mod holding;
mod identity;
mod last_look;
mod missed_in_the_hold;
mod monkey;
mod permission;
mod promises;
mod refusals;
mod rehearsal;
mod retired;
mod rules;
mod schedule;
mod scheduled;
mod staged;
mod steady_state;
mod steady_state_from_data;
mod support;
mod the_right_way;
mod tolerance_properties;
mod traces;
#[cfg(target_os = "linux")]
mod twelve_hours;
mod unreadable;
