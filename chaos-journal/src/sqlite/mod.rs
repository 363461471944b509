//! The journal in a SQLite file.

mod database;
mod error;
mod journal;
mod options;
mod queries;
mod rows;
mod schema;
mod session;

pub use journal::SqlJournal;
pub use options::JournalOptions;
