//! The journal: keeps the recovery of each fault from before the fault exists until it is undone.
//!
//! A [`Journal`] checks the [`Limits`] and records the fault in one transaction, and returns a [`Lease`] that is held
//! as long as a task takes care of the fault. A [`FaultQuery`] selects faults. The result, [`Found`], holds entries
//! that cannot be read as [`Unreadable`]. A [`Halt`] in the journal stops every monkey over it. [`MemoryJournal`] dies
//! with its process; `chaos-journal` has a durable journal.

mod careful;
mod found;
mod halt;
mod journal;
mod limits;
mod memory;
mod query;

pub(crate) use careful::CarefulJournal;
pub use found::{Found, Unreadable};
pub use halt::Halt;
pub use journal::Journal;
pub use limits::{Arming, Lease, Limits, Tally};
pub use memory::MemoryJournal;
pub use query::FaultQuery;
