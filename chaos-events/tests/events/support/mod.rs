//! Common parts of the tests under adverse conditions: a platform that behaves like real ones, and trouble at single
//! calls.

mod confused;
mod engine;
mod platform;
mod setup;
mod trouble;

pub(crate) use confused::Confused;
pub(crate) use engine::{FREEZE, Lab};
pub(crate) use platform::Platform;
pub(crate) use setup::{builder, inject, inject_into, over, seconds, within};
pub(crate) use trouble::Trouble;
