//! The journal: keeps the recovery of each fault from before the fault exists until it is undone.
//!
//! A [`Journal`] checks the [`Limits`] and records the fault in one transaction, and returns a [`Lease`] that is held
//! as long as a task takes care of the fault. A [`FaultQuery`] selects faults. The result, [`Found`], holds entries
//! that cannot be read as [`Unreadable`]. A [`Halt`] in the journal stops every monkey over it. A [`DueRecord`] tells
//! what came of a due; a [`DueNote`] changes it. [`MemoryJournal`] dies with its process; `chaos-journal` has a
//! durable journal.

mod careful;
mod due_note;
mod due_query;
mod due_record;
mod due_state;
mod forgetting;
mod found;
mod halt;
mod journal;
mod keeping;
mod limits;
mod memory;
mod query;
mod reading;

pub(crate) use careful::CarefulJournal;
pub use due_note::DueNote;
pub use due_query::{DueQuery, FoundDues};
pub use due_record::{DueRecord, DueStop};
pub use due_state::DueState;
pub use forgetting::forget_all;
pub use found::{Found, Unreadable};
pub use halt::Halt;
pub use journal::Journal;
pub use keeping::{Forget, Forgotten, KeptSchedule};
pub use limits::{Arming, Lease, Limits, Tally};
pub use memory::MemoryJournal;
pub use query::FaultQuery;
pub(crate) use reading::tally;
