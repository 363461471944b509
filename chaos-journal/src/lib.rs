//! The durable journal of [`chaos_core`]: the recovery of a fault is on disk before the fault exists.
//!
//! [`SqlJournal`] keeps recoveries in one SQLite file that any number of processes may share. A process that opens the
//! file later, after a crash or a reboot, finds there which faults are still to be undone, and how.
//!
//! ```
//! use chaos_core::{Journal, fault::FaultState, journal::FaultQuery};
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
//! # Files
//! - The file itself, with SQLite's own `-wal` and `-shm` beside it while it is open. Before anything is injected, the
//!   armed fault and the beginning of its injection are copied from the log into the file, so the fault is found even
//!   if the log is lost.
//! - `<file>.holder-<session>`, empty, one for each open journal that has armed a fault. Its owner keeps it locked, and
//!   the kernel drops the lock when the owner ends, however it ends. By these locks,
//!   [`orphans`](chaos_core::Journal::orphans) knows which owners are alive; process ids are never trusted.
//! - `<file>.new-<number>`, a folder that exists while a new journal is made. You may delete one that a crash has left
//!   behind.
//! - `<file>-journal`, empty, in a folder such as `/tmp` in which everybody may create files. It keeps others from
//!   creating a file of this name.
//!
//! The file bears an application id and a schema version. A file of an older version is upgraded. A file of a newer
//! version, a file of another kind, and a damaged file are errors, and nothing is changed. An empty file becomes a
//! journal, and a journal on a read-only mount can be read.
//!
//! # Ownership
//! A journal tells its reader what to do to machines, so it belongs to its owner alone (mode 0600, whatever the umask).
//! If other users could have written or replaced it, opening it is an error of kind `Denied` that says what to do. That
//! concerns a file of another user, a file that others may write, a folder on the path in which others may rename, and
//! a symbolic link of others. The best place for a journal is a folder of your own. A file that others may only read,
//! as version 0.1.0 made them, is made private, because a user who may open a file may also lock it.
//!
//! # Limits
//! - SQLite's write-ahead log and file locks need a local file system. On a network file system neither the data nor
//!   the answer of `orphans` can be trusted.
//! - If a [`Lease`](chaos_core::journal::Lease) is dropped in a process that lives on, the journal that gave it sees
//!   that at once. Other journals see it only when that journal and its other leases are gone.
//! - Instants sort correctly from the year 0 on.

mod sqlite;

pub use sqlite::{JournalOptions, SqlJournal};
