//! The durable journal of [`chaos_core`]: what undoes a fault is on disk before the fault exists.
//!
//! [`SqlJournal`] keeps it in one SQLite file that any number of processes may share. Whoever opens the file later, after a
//! crash or a reboot, reads there what is still to be undone and how.
//!
//! ```
//! use chaos_core::{FaultQuery, FaultState, Journal};
//! use chaos_journal::SqlJournal;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> chaos_core::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("chaos.journal");
//! let journal = SqlJournal::open(&path).await?;
//!
//! let failed = FaultQuery::all().state(FaultState::RecoveryFailed).limit(20);
//! for fault in journal.find(&failed).await?.faults {
//!     println!("{} {} on {}", fault.armed_at, fault.event, fault.target);
//! }
//! assert!(journal.pending().await?.faults.is_empty());
//! journal.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is on disk
//! - The file itself, with SQLite's own `-wal` and `-shm` beside it while it is open.
//! - `<file>.holder-<session>`, empty, one for each open journal that has armed a fault. Its owner keeps it locked, and the
//!   kernel drops the lock when the owner ends, however it ends. This is how
//!   [`orphans`](chaos_core::Journal::orphans) knows who is alive; no process id is ever trusted.
//! - `<file>.new-<number>` for the moment in which a new journal is made. One that a crash has left there may be deleted.
//!
//! The file bears an application id and a schema version. A file of a newer version, a file that is something else, and a
//! damaged file are errors, and nothing is changed.
//!
//! # Limits
//! - SQLite's write-ahead log and file locks need a local file system. On a network file system neither the data nor the
//!   answer of `orphans` can be trusted.
//! - A [`Lease`](chaos_core::Lease) dropped in a process that lives on is seen by the journal that gave it, and by others only
//!   once that journal and its other leases are gone.
//! - Instants sort rightly from the year 0 on.

mod sqlite;

pub use sqlite::{JournalOptions, SqlJournal};
