use std::{collections::BTreeSet, fmt, path::Path, sync::Arc};

use async_trait::async_trait;
use chaos_core::{
    FaultId, Journal, Result,
    chance::{Entropy, SystemEntropy},
    clock::require_real_time,
    fault::{FaultRecord, Mark},
    journal::{
        Arming, DueNote, DueQuery, FaultQuery, Forget, Forgotten, Found, FoundDues, Halt, KeptSchedule,
        Lease, Limits,
    },
};
use jiff::Timestamp;
use sqlx::Connection;
use tokio::sync::Mutex;

use super::{
    database,
    due_queries::none_kept,
    error, forgetting, location,
    queries::Queries,
    rows::{self, Pending},
    schema, session,
    state::{State, commit},
    writing::Writing,
};

/// A journal in a SQLite file, which any number of processes may share.
///
/// Once a call has returned, its writes survive a crash of the process and of the machine (write-ahead log with
/// `synchronous = FULL`). Each call that writes, and each read of the halt, first checks whether the file was removed
/// or replaced since it was opened. Calls that write wait up to ten seconds for one another; if another process writes
/// for longer, the error is retryable.
///
/// Faults and marks of one moment are written together, by a separate task on the tokio runtime. None of them is
/// reported before it is durable. A refusal concerns one write only. An error of SQLite is reported to all of them, and
/// then none is written. A call that is dropped while it waits for its turn has not happened. The task is on the
/// runtime of the first caller: while a current-thread runtime does not run, all other callers wait for that runtime.
///
/// A fault counts as held while its lease lives. For the faults of other journals over the same file, it counts as held
/// while the journal that armed it, or any of that journal's leases, lives.
pub struct SqlJournal {
    path: Arc<Path>,
    is_read_only: bool,
    state: Arc<Mutex<State>>,
    writing: Arc<Writing>,
}

impl SqlJournal {
    /// Opens the journal in the file `path`, which is created if it is missing. Its folder must exist.
    ///
    /// A file of an older version is upgraded.
    ///
    /// # Errors
    /// Nothing is changed if the file
    /// - is of a newer version (`Conflict`),
    /// - is something else, such as a directory, a text or another application's database (`InvalidInput`),
    /// - could have been written or replaced by another user (`Denied`; see [the crate](crate)),
    /// - is damaged (`Corrupt`; in a file of more than 4 MiB, damage outside of the header is found only when it is
    ///   read).
    ///
    /// `NotFound` if the folder is missing, `Unsupported` if tokio's time is paused, `Journal` if the file cannot be
    /// opened for another reason.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path.as_ref(), true, Arc::new(SystemEntropy::default())).await
    }

    /// Opens an existing journal, for programs that read history or recover.
    ///
    /// # Errors
    /// `NotFound` if there is no such file; otherwise as [`open`](SqlJournal::open).
    pub async fn open_existing(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path.as_ref(), false, Arc::new(SystemEntropy::default())).await
    }

    pub(super) async fn open_with(path: &Path, create: bool, entropy: Arc<dyn Entropy>) -> Result<Self> {
        require_real_time("a journal on disk")?;
        let path: Arc<Path> = location::locate(path, create, &*entropy).await?.into();
        let database = database::connect(&path).await?;
        let is_read_only = database.is_read_only;
        let state = State::new(Arc::clone(&path), database, entropy);
        let state = Arc::new(Mutex::new(state));
        Ok(Self { path, is_read_only, state, writing: Arc::default() })
    }

    /// The file, with every symbolic link resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is on a read-only file system. Such a journal shows its contents at the time when it was
    /// opened; every write is an error of kind `Journal`.
    pub fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// Closes the file and waits for it. The last process to close it removes SQLite's `-wal` and `-shm`, so the file
    /// is alone in its folder.
    ///
    /// Dropping a journal is just as safe, but does not wait. Files that stay beside it are removed the next time that
    /// the journal is opened. Faults with live leases stay held.
    ///
    /// # Errors
    /// `Journal` if SQLite cannot close the file cleanly. Nothing is lost.
    pub async fn close(self) -> Result<()> {
        let state = self.writing.end(self.state).await;
        state.database.connection.close().await.map_err(error::of_database(&self.path, "close its file"))
    }
}

#[async_trait]
impl Journal for SqlJournal {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        self.writing.arm(&self.state, fault.clone(), *limits).await
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        self.writing.mark(&self.state, fault, mark.clone()).await
    }

    async fn find(&self, query: &FaultQuery) -> Result<Found> {
        self.state.lock().await.queries().find(query).await
    }

    async fn pending(&self) -> Result<Found> {
        let pending = self.state.lock().await.queries().pending().await?;
        Ok(rows::found(pending.into_iter().map(|row| row.entry)))
    }

    async fn orphans(&self, now: Timestamp) -> Result<Found> {
        let mut state = self.state.lock().await;
        let own = state.session.clone();
        let own = own.as_deref();
        let mut queries = state.queries();
        let mut dead = BTreeSet::new();
        for name in queries.pending_sessions().await? {
            let is_own = own.is_some_and(|own| own.name() == name);
            if !is_own && !session::is_alive(&self.path, &name)? {
                dead.insert(name);
            }
        }
        session::sweep(&self.path);
        // Read only now: an owner that was dead before changes nothing any more, and one that ended cleanly has nothing
        // pending here.
        let pending = queries.pending().await?;
        let is_held = |row: &Pending| match (&row.session, own) {
            (Some(session), Some(own)) if own.name() == session => row.id.is_some_and(|id| own.holds(id)),
            (Some(session), _) => !dead.contains(session),
            (None, _) => false,
        };
        let orphans = pending.into_iter().filter(|row| !is_held(row) || row.is_overdue(now));
        Ok(rows::found(orphans.map(|row| row.entry)))
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
        let mut state = self.state.lock().await;
        let mut transaction = state.begin().await?;
        Queries::new(&mut transaction, &self.path).set_halt(halt.as_ref()).await?;
        commit(transaction, &self.path).await?;
        // It is already in force for every process that has the journal open, even if no other process could read the
        // file.
        let _ = state.settle().await;
        Ok(())
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        let mut state = self.state.lock().await;
        // A halt that is not in the file that the path names would never be seen.
        state.database.files.check(&self.path)?;
        state.queries().halt().await
    }

    async fn note_due(&self, note: &DueNote) -> Result<()> {
        let mut state = self.state.lock().await;
        let mut transaction = state.begin().await?;
        Queries::new(&mut transaction, &self.path).note_due(note).await?;
        commit(transaction, &self.path).await
    }

    async fn dues(&self, query: &DueQuery) -> Result<FoundDues> {
        let mut state = self.state.lock().await;
        if self.is_read_only && !schema::keeps_dues(&mut state.database.connection, &self.path).await? {
            return Err(none_kept(&self.path));
        }
        state.queries().dues(query).await
    }

    async fn keep_schedule(&self, proposed: &KeptSchedule) -> Result<KeptSchedule> {
        let mut state = self.state.lock().await;
        let mut transaction = state.begin().await?;
        let mut queries = Queries::new(&mut transaction, &self.path);
        let before = queries.kept_schedule().await?;
        let kept = before.and(proposed);
        if kept == before {
            transaction.rollback().await.map_err(error::of_database(&self.path, "end a transaction"))?;
            return Ok(kept);
        }
        queries.keep_schedule(&kept).await?;
        commit(transaction, &self.path).await?;
        Ok(kept)
    }

    async fn forget(&self, forget: &Forget) -> Result<Forgotten> {
        let mut state = self.state.lock().await;
        let mut transaction = state.begin().await?;
        let forgotten = forgetting::forget(&mut Queries::new(&mut transaction, &self.path), forget).await?;
        commit(transaction, &self.path).await?;
        // Otherwise a long history would pass through the log as a whole.
        state.settle_if_possible().await;
        Ok(forgotten)
    }
}

impl fmt::Debug for SqlJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlJournal").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use chaos_core::{ErrorKind, fault::Magnitude, recovery::RecoveryRecord};

    use super::*;

    fn fault(number: u64, payload: usize) -> FaultRecord {
        FaultRecord::armed(
            format!("{number:016x}").parse().unwrap(),
            number,
            format!("local:web/{number}").parse().unwrap(),
            "stop",
            RecoveryRecord::new("test/nothing/1", "x".repeat(payload).into()),
            Magnitude::default(),
            Timestamp::UNIX_EPOCH,
            Timestamp::MAX,
        )
    }

    /// Sends a statement that changes the journal's own connection.
    async fn execute(journal: &SqlJournal, statement: &'static str) {
        let mut state = journal.state.lock().await;
        sqlx::query(statement).execute(&mut state.database.connection).await.unwrap();
    }

    /// SQLite rolls back by itself when the disk is full, which the connection does not notice.
    #[tokio::test]
    async fn a_full_disk_is_an_error_and_the_journal_goes_on_once_there_is_space() {
        let folder = tempfile::tempdir().unwrap();
        let journal = SqlJournal::open(folder.path().join("j")).await.unwrap();
        let limits = Limits::none();
        execute(&journal, "PRAGMA max_page_count = 1").await;
        let error = journal.arm(&fault(1, 100_000), &limits).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal, "{error}");
        assert!(error.to_string().contains("no space is left"), "{error}");
        assert!(journal.pending().await.unwrap().faults.is_empty());

        execute(&journal, "PRAGMA max_page_count = 1000000").await;
        let armed = journal.arm(&fault(1, 100_000), &limits).await.unwrap();
        assert!(matches!(armed, Arming::Armed(_)));
        assert_eq!(journal.pending().await.unwrap().faults.len(), 1);
    }

    #[tokio::test]
    async fn an_error_of_the_database_fails_all_that_were_written_together() {
        let folder = tempfile::tempdir().unwrap();
        let journal = SqlJournal::open(folder.path().join("j")).await.unwrap();
        let limits = Limits::none();
        let faults = [fault(1, 10), fault(2, 100_000), fault(3, 10)];
        let arm = async || {
            let [one, two, three] = &faults;
            tokio::join!(journal.arm(one, &limits), journal.arm(two, &limits), journal.arm(three, &limits))
        };
        execute(&journal, "PRAGMA max_page_count = 1").await;
        let (one, two, three) = arm().await;
        for error in [one.unwrap_err(), two.unwrap_err(), three.unwrap_err()] {
            assert!(error.to_string().contains("no space is left"), "{error}");
        }
        assert!(journal.pending().await.unwrap().faults.is_empty());

        execute(&journal, "PRAGMA max_page_count = 1000000").await;
        let (one, two, three) = arm().await;
        for armed in [one, two, three] {
            assert!(matches!(armed.unwrap(), Arming::Armed(_)));
        }
        assert_eq!(journal.pending().await.unwrap().faults.len(), 3);
    }

    #[tokio::test]
    async fn an_automatic_roll_back_does_not_stop_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let journal = SqlJournal::open(folder.path().join("j")).await.unwrap();
        {
            let mut state = journal.state.lock().await;
            let mut transaction = state.begin().await.unwrap();
            sqlx::query("ROLLBACK").execute(&mut *transaction).await.unwrap();
        }
        let armed = journal.arm(&fault(1, 10), &Limits::none()).await.unwrap();
        assert!(matches!(armed, Arming::Armed(_)));
    }

    #[tokio::test]
    async fn a_journal_that_is_locked_for_too_long_is_a_retryable_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let (journal, other) =
            (SqlJournal::open(&path).await.unwrap(), SqlJournal::open(&path).await.unwrap());
        execute(&journal, "PRAGMA busy_timeout = 20").await;
        let mut state = other.state.lock().await;
        let transaction = state.begin().await.unwrap();
        let error = journal.arm(&fault(1, 10), &Limits::none()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal);
        assert!(error.is_retryable());
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(std::error::Error::source(&error).is_some());

        transaction.rollback().await.unwrap();
        let armed = journal.arm(&fault(1, 10), &Limits::none()).await.unwrap();
        assert!(matches!(armed, Arming::Armed(_)));
    }

    #[tokio::test]
    async fn commits_are_synced_and_logged() {
        let folder = tempfile::tempdir().unwrap();
        let journal = SqlJournal::open(folder.path().join("j")).await.unwrap();
        let mut state = journal.state.lock().await;
        let connection = &mut state.database.connection;
        let synchronous: i64 =
            sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await.unwrap();
        let mode: String =
            sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await.unwrap();
        let foreign_keys: i64 =
            sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&mut *connection).await.unwrap();
        assert_eq!((synchronous, mode.as_str(), foreign_keys), (2, "wal", 1));
    }
}
