use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use chaos_core::{
    Arming, Entropy, Error, ErrorKind, FaultId, FaultQuery, FaultRecord, FaultState, Found, Halt, Journal,
    Lease, Limits, Mark, Result, require_real_time,
};
use jiff::Timestamp;
use sqlx::{Connection, Sqlite, Transaction};
use tokio::sync::Mutex;

use super::{
    JournalOptions,
    database::{self, Database},
    error, identity,
    queries::Queries,
    rows::{self, Pending},
    schema,
    session::{self, Session},
};

/// A journal in a SQLite file, which any number of processes may share.
///
/// What a call has written survives a crash of the process and of the machine once the call has returned (write-ahead
/// log with `synchronous = FULL`). A file that was removed or replaced since it was opened is noticed before each call
/// that writes, and when the halt is read. Calls that write wait up to ten seconds for one another; an error because of
/// somebody who writes for longer is retryable.
///
/// The journal counts a fault as held while its lease lives, or, for the faults of other journals over the same file,
/// while the journal that armed it or any of its leases lives.
pub struct SqlJournal {
    path: PathBuf,
    entropy: Arc<dyn Entropy>,
    is_read_only: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    database: Database,
    /// Begun by the first arming.
    session: Option<Arc<Session>>,
}

impl SqlJournal {
    /// Opens the journal in the file `path`, which is created where it is missing. Its folder must exist.
    ///
    /// A file of an older version is brought up to date.
    ///
    /// # Errors
    /// Nothing is changed where the file
    /// - is of a newer version (`Conflict`),
    /// - is something else: a directory, a text, another application's database (`InvalidInput`),
    /// - could have been written or replaced by another user (`Denied`; see [the crate](crate)),
    /// - is damaged (`Corrupt`; in a file of more than 4 MiB, damage that does not touch the header is found when it is
    ///   read).
    ///
    /// `NotFound` where the folder is missing, `Unsupported` where tokio's time is paused, `Journal` where the file
    /// cannot be opened for another reason.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        JournalOptions::new().open(path).await
    }

    /// Opens a journal that must exist: for programs that read history or recover.
    ///
    /// # Errors
    /// `NotFound` where there is no such file; otherwise as [`open`](SqlJournal::open).
    pub async fn open_existing(path: impl AsRef<Path>) -> Result<Self> {
        JournalOptions::new().create(false).open(path).await
    }

    pub(super) async fn open_with(path: &Path, options: JournalOptions) -> Result<Self> {
        require_real_time("a journal on disk")?;
        let path = database::locate(path, options.create, &*options.entropy).await?;
        let database = database::connect(&path).await?;
        Ok(Self {
            path,
            entropy: options.entropy,
            is_read_only: database.is_read_only,
            state: Mutex::new(State { database, session: None }),
        })
    }

    /// The file, with every symbolic link resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is on a file system that is mounted read-only. Such a journal shows what it held when it was
    /// opened; whatever would have to be recorded is an error of kind `Journal`.
    pub fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// Closes the file and waits for it. The last one who closes it leaves the file alone in its folder, without
    /// SQLite's `-wal` and `-shm`.
    ///
    /// Dropping a journal is as safe, only that nobody waits: what stays beside the file then is tidied by whoever
    /// opens it next. Faults whose leases live stay held.
    ///
    /// # Errors
    /// `Journal` where SQLite cannot end in order. Nothing is lost.
    pub async fn close(self) -> Result<()> {
        let state = self.state.into_inner();
        state.database.connection.close().await.map_err(error::of_database(&self.path, "close its file"))
    }

    fn check_recordable(&self) -> Result<()> {
        if !self.is_read_only {
            return Ok(());
        }
        let why = "the journal is on a read-only file system, so that nothing can be recorded in it";
        Err(Error::new(ErrorKind::Journal, why).with("journal", self.path.display()))
    }

    /// Begins a transaction that no other writer can come between, in the file that the path names.
    async fn begin<'s>(&self, database: &'s mut Database) -> Result<Transaction<'s, Sqlite>> {
        let doing = "begin a transaction";
        self.check_recordable()?;
        if database.connection.is_in_transaction() {
            // A dropped call has asked for a roll-back that may not be through yet.
            database.connection.ping().await.map_err(error::of_database(&self.path, doing))?;
        }
        if database.connection.is_in_transaction() {
            // SQLite has rolled back by itself, for instance because the disk was full, and the connection does not
            // know.
            let again = database::connect(&self.path).await?;
            if !again.files.is_same_database(database.files) {
                return Err(identity::moved(&self.path));
            }
            *database = again;
        }
        let files = database.files;
        let mut transaction = database
            .connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(error::of_database(&self.path, doing))?;
        files.check(&self.path)?;
        schema::check_unchanged(&mut transaction, &self.path).await?;
        Ok(transaction)
    }

    /// Brings what was committed from the log into the file itself, where it is found should the log be lost.
    ///
    /// # Errors
    /// Retryable where somebody who reads an older state of the journal keeps it from there for too long.
    async fn settle(&self, database: &mut Database) -> Result<()> {
        if database::checkpoint(&mut database.connection, &self.path).await? {
            return database.files.check(&self.path);
        }
        Err(Error::new(
            ErrorKind::Journal,
            "another program reads the journal for so long that what was recorded cannot be put into its file; end \
             that program",
        )
        .with("journal", self.path.display())
        .retryable(true))
    }

    async fn commit(&self, transaction: Transaction<'_, Sqlite>) -> Result<()> {
        transaction.commit().await.map_err(error::of_database(&self.path, "commit a transaction"))
    }

    /// Removes a fault that was armed a moment ago and of which nobody was told.
    async fn take_back(&self, database: &mut Database, fault: FaultId) -> Result<()> {
        let mut transaction = self.begin(database).await?;
        Queries::new(&mut transaction, &self.path).delete_armed(fault).await?;
        self.commit(transaction).await
    }

    /// The session of this journal, begun by the first call.
    fn session(&self, session: &mut Option<Arc<Session>>) -> Result<Arc<Session>> {
        match session {
            Some(session) => Ok(Arc::clone(session)),
            None => {
                let begun = Session::begin(&self.path, &*self.entropy)?;
                Ok(Arc::clone(session.insert(begun)))
            }
        }
    }
}

#[async_trait]
impl Journal for SqlJournal {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        let mut state = self.state.lock().await;
        let State { database, session } = &mut *state;
        self.check_recordable()?;
        // Before the row can be seen, so that nobody takes its session for dead.
        let session = self.session(session)?;
        let mut transaction = self.begin(database).await?;
        let mut queries = Queries::new(&mut transaction, &self.path);
        if queries.holds(fault.id).await? {
            return Err(Error::new(ErrorKind::Conflict, "the journal holds a fault of this id")
                .with("fault", fault.id));
        }
        if let Err(reason) = limits.check(fault, &queries.tally(fault).await?) {
            return Ok(Arming::Refused(reason));
        }
        queries.insert(fault, session.name()).await?;
        // Also before; and whoever drops this call during the commit drops the lease with it.
        let lease = session.hold(fault.id);
        self.commit(transaction).await?;
        if let Err(error) = self.settle(database).await {
            // What stays is armed and nobody's, so that the next replay closes it.
            let _ = self.take_back(database, fault.id).await;
            return Err(error);
        }
        Ok(Arming::Armed(lease))
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        let mut state = self.state.lock().await;
        let database = &mut state.database;
        let mut transaction = self.begin(database).await?;
        let mut queries = Queries::new(&mut transaction, &self.path);
        let mut entry = queries.fault(fault).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the journal holds no such fault").with("fault", fault)
        })?;
        let record = &mut entry.fault;
        if !record.state.may_become(mark.state) {
            return Err(Error::new(ErrorKind::Conflict, "the fault is in another state by now")
                .with("fault", fault)
                .with("state", record.state)
                .with("wanted", mark.state));
        }
        record.apply(mark);
        queries.update(&entry).await?;
        self.commit(transaction).await?;
        match mark.state {
            // Whoever reads `armed` takes the target for untouched.
            FaultState::Injecting => self.settle(database).await,
            // The log begins anew then, so that the marks of a hold find room on a full disk where the arming was.
            _ => database::checkpoint_once(&mut database.connection, &self.path).await.map(drop).or(Ok(())),
        }
    }

    async fn find(&self, query: &FaultQuery) -> Result<Found> {
        let mut state = self.state.lock().await;
        Queries::new(&mut state.database.connection, &self.path).find(query).await
    }

    async fn pending(&self) -> Result<Found> {
        let mut state = self.state.lock().await;
        let pending = Queries::new(&mut state.database.connection, &self.path).pending().await?;
        Ok(rows::found(pending.into_iter().map(|row| row.entry)))
    }

    async fn orphans(&self, now: Timestamp) -> Result<Found> {
        let mut state = self.state.lock().await;
        let State { database, session } = &mut *state;
        let own = session.as_deref();
        let mut queries = Queries::new(&mut database.connection, &self.path);
        let mut dead = BTreeSet::new();
        for name in queries.pending_sessions().await? {
            let is_own = own.is_some_and(|own| own.name() == name);
            if !is_own && !session::is_alive(&self.path, &name)? {
                dead.insert(name);
            }
        }
        session::sweep(&self.path);
        // Read only now: whoever was dead before changes nothing any more, and who ended in order has nothing pending
        // here.
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
        let database = &mut state.database;
        let mut transaction = self.begin(database).await?;
        Queries::new(&mut transaction, &self.path).set_halt(halt.as_ref()).await?;
        self.commit(transaction).await?;
        // It is in force already for everybody who has the journal open, whoever else may read it.
        let _ = self.settle(database).await;
        Ok(())
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        let mut state = self.state.lock().await;
        // Nobody would see one that is not in the file that the path names.
        state.database.files.check(&self.path)?;
        Queries::new(&mut state.database.connection, &self.path).halt().await
    }
}

impl fmt::Debug for SqlJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlJournal").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use chaos_core::{Magnitude, RecoveryRecord};
    use jiff::Timestamp;

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
    async fn an_automatic_roll_back_does_not_stop_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let journal = SqlJournal::open(folder.path().join("j")).await.unwrap();
        {
            let mut state = journal.state.lock().await;
            let mut transaction = journal.begin(&mut state.database).await.unwrap();
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
        let transaction = other.begin(&mut state.database).await.unwrap();
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
