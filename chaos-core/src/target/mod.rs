//! Targets and their groups: what a fault is injected into.

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
