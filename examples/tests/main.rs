//! Every example works as described. Each is run as its user runs it, and its output is checked.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may panic, and say why")]

#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "azure")]
mod azure;
#[path = "../experiments.rs"]
mod experiments;
#[path = "../hypothesis.rs"]
mod hypothesis;
#[path = "../in_a_test.rs"]
mod in_a_test;
mod local;
mod program;
#[cfg(feature = "aws")]
#[path = "../../chaos-aws/tests/aws/stand_in.rs"]
#[allow(dead_code, reason = "its pages are for the tests of the provider")]
mod stand_in;
mod steady_state;
