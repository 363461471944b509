//! Groups of interchangeable targets: what a fault is injected into.
//!
//! A [`Provider`](crate::provider::Provider) yields [`Group`]s. Each [`Member`] of one is a [`Target`] with its
//! [`Health`] as the discovery saw it; the target itself is a handle that looks afresh each time. [`GroupId`] and
//! [`TargetId`] name both from any process, so that a journal can keep them.

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
