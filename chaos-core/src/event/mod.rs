//! Chaos events: one kind of failure each, and what they see.

mod chaos_event;
mod hold;
mod ledger;
mod scope;

pub use chaos_event::ChaosEvent;
pub use hold::Hold;
pub(crate) use ledger::Findings;
pub use scope::Scope;
pub(crate) use scope::{Discovered, ScopeParts};
