//! Groups of interchangeable targets, into which faults are injected.
//!
//! A [`Provider`](crate::provider::Provider) yields [`Group`]s. Each [`Member`] is a [`Target`] with its [`Health`] at
//! discovery; the target itself is a handle that looks again each time. A [`GroupId`] and a [`TargetId`] are valid in
//! any process, so a journal can keep them.

mod group;
mod health;
mod id;
mod labels;
mod target;

pub use group::{Group, Member};
pub use health::Health;
pub use id::{GroupId, TargetId};
pub use labels::Labels;
pub use target::Target;
