//! The journal: what undoes a fault, kept from before the fault exists until it is undone.
//!
//! A [`Journal`] checks the [`Limits`] and records the fault in one transaction, and hands out a [`Lease`] for as long
//! as somebody takes care of it. [`FaultQuery`] asks what it holds; what it could not read is [`Found`] too, as
//! [`Unreadable`]. A [`Halt`] in it stops every monkey over it. [`MemoryJournal`] dies with its process;
//! `chaos-journal` has a durable one.

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
