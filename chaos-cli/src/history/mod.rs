//! Shows the faults and dues in a journal, and forgets old ones.

mod dues;
mod history;
mod purge;
mod whole_id;

pub use history::{HistoryArguments, history};
