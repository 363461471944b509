//! The durable journal of [`chaos_core`]: what undoes a fault is on disk before the fault exists.
//!
//! [`SqlJournal`] keeps it in one SQLite file that any number of processes may share. Whoever opens the file later,
//! after a crash or a reboot, reads there what is still to be undone and how.
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
//! # What is on disk
//! - The file itself, with SQLite's own `-wal` and `-shm` beside it while it is open. What is armed, and that its
//!   injection is begun, is copied from the log into the file before anything is injected: the fault is found there
//!   should the log be lost.
//! - `<file>.holder-<session>`, empty, one for each open journal that has armed a fault. Its owner keeps it locked, and
//!   the kernel drops the lock when the owner ends, however it ends. This is how
//!   [`orphans`](chaos_core::Journal::orphans) knows who is alive; no process id is ever trusted.
//! - `<file>.new-<number>`, a folder, for the moment in which a new journal is made. One that a crash has left there
//!   may be deleted.
//! - `<file>-journal`, empty, in a folder such as `/tmp`, where everybody may make files: it keeps others from putting
//!   one there.
//!
//! The file bears an application id and a schema version. A file of an older version is brought up to date. A file of a
//! newer version, a file that is something else, and a damaged file are errors, and nothing is changed. An empty file
//! becomes a journal, and one on a read-only mount can be read.
//!
//! # Whose it is
//! A journal says what its reader does to machines, so that it is its owner's alone (mode 0600, whatever the umask).
//! What others could have written or replaced is an error of kind `Denied` that says what to do: a file of another user
//! or one that others may write, a folder on the way in which others may rename, a link that others have made. The best
//! place for it is a folder of one's own. A file that others may only read, as version 0.1.0 made them, is closed to
//! them: who may open a file may lock it.
//!
//! # Limits
//! - SQLite's write-ahead log and file locks need a local file system. On a network file system neither the data nor
//!   the answer of `orphans` can be trusted.
//! - A [`Lease`](chaos_core::journal::Lease) dropped in a process that lives on is seen by the journal that gave it,
//!   and by others only once that journal and its other leases are gone.
//! - Instants sort rightly from the year 0 on.

mod sqlite;

pub use sqlite::{JournalOptions, SqlJournal};
