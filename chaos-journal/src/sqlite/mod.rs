//! The journal in a SQLite file.

mod batch;
mod creation;
mod database;
mod due_queries;
mod error;
mod forgetting;
mod identity;
mod journal;
mod location;
mod options;
#[cfg_attr(not(unix), path = "ownership_elsewhere.rs")]
mod ownership;
mod queries;
mod rows;
mod schema;
mod session;
mod state;
mod tallies;
mod writing;

pub use journal::SqlJournal;
pub use options::JournalOptions;
