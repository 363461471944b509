//! The journal: what undoes a fault, kept from before the fault exists until it is undone.

mod careful;
mod found;
mod journal;
mod limits;
mod memory;
mod query;

pub(crate) use careful::CarefulJournal;
pub use found::{Found, Unreadable};
pub use journal::{Halt, Journal};
pub use limits::{Arming, Lease, Limits, Tally};
pub use memory::MemoryJournal;
pub use query::FaultQuery;
