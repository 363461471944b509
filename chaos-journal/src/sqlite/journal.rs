use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use chaos_core::{
    Arming, Entropy, Error, ErrorKind, FaultId, FaultQuery, FaultRecord, Found, Halt, Journal, Lease, Limits,
    Mark, Result,
};
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};
use tokio::sync::Mutex;

use super::{
    JournalOptions, database, error,
    queries::Queries,
    schema,
    session::{self, Session},
};

/// A journal in a SQLite file, which any number of processes may share.
///
/// What a call has written survives a crash of the process and of the machine once the call has returned (write-ahead log
/// with `synchronous = FULL`). Calls that write wait up to ten seconds for one another; an error because of somebody who
/// writes for longer is retryable.
///
/// The journal counts a fault as held while its lease lives, or, for the faults of other journals over the same file, while
/// the journal that armed it or any of its leases lives.
pub struct SqlJournal {
    path: PathBuf,
    entropy: Arc<dyn Entropy>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    connection: SqliteConnection,
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
    /// - is something else: a directory, an empty file, a text, another application's database (`InvalidInput`),
    /// - is damaged (`Corrupt`; in a file of more than 4 MiB, damage that does not touch the header is found when it is
    ///   read).
    ///
    /// `NotFound` where the folder is missing, `Journal` where the file cannot be opened for another reason.
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
        let path = database::locate(path, options.create, &*options.entropy).await?;
        let connection = database::connect(&path).await?;
        Ok(Self { path, entropy: options.entropy, state: Mutex::new(State { connection, session: None }) })
    }

    /// The file, with every symbolic link resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the file and waits for it. The last one who closes it leaves the file alone in its folder, without SQLite's
    /// `-wal` and `-shm`.
    ///
    /// Dropping a journal is as safe, only that nobody waits: what stays beside the file then is tidied by whoever opens it
    /// next. Faults whose leases live stay held.
    ///
    /// # Errors
    /// `Journal` where SQLite cannot end in order. Nothing is lost.
    pub async fn close(self) -> Result<()> {
        let state = self.state.into_inner();
        state.connection.close().await.map_err(error::of_database(&self.path, "close its file"))
    }

    /// Begins a transaction that no other writer can come between.
    async fn begin<'s>(&self, connection: &'s mut SqliteConnection) -> Result<Transaction<'s, Sqlite>> {
        let doing = "begin a transaction";
        if connection.is_in_transaction() {
            // A dropped call has asked for a roll-back that may not be through yet.
            connection.ping().await.map_err(error::of_database(&self.path, doing))?;
        }
        if connection.is_in_transaction() {
            // SQLite has rolled back by itself, for instance because the disk was full, and the connection does not know.
            *connection = database::connect(&self.path).await?;
        }
        let mut transaction =
            connection.begin_with("BEGIN IMMEDIATE").await.map_err(error::of_database(&self.path, doing))?;
        schema::check_unchanged(&mut transaction, &self.path).await?;
        Ok(transaction)
    }

    async fn commit(&self, transaction: Transaction<'_, Sqlite>) -> Result<()> {
        transaction.commit().await.map_err(error::of_database(&self.path, "commit a transaction"))
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
        let State { connection, session } = &mut *state;
        // Before the row can be seen, so that nobody takes its session for dead.
        let session = self.session(session)?;
        let mut transaction = self.begin(connection).await?;
        let mut queries = Queries::new(&mut transaction, &self.path);
        if queries.fault(fault.id).await?.is_some() {
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
        Ok(Arming::Armed(lease))
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        let mut state = self.state.lock().await;
        let mut transaction = self.begin(&mut state.connection).await?;
        let mut queries = Queries::new(&mut transaction, &self.path);
        let mut record = queries.fault(fault).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the journal holds no such fault").with("fault", fault)
        })?;
        if !record.state.may_become(mark.state) {
            return Err(Error::new(ErrorKind::Conflict, "the fault is in another state by now")
                .with("fault", fault)
                .with("state", record.state)
                .with("wanted", mark.state));
        }
        record.apply(mark);
        queries.update(&record).await?;
        self.commit(transaction).await
    }

    async fn find(&self, query: &FaultQuery) -> Result<Found> {
        let mut state = self.state.lock().await;
        Ok(Found::new(Queries::new(&mut state.connection, &self.path).find(query).await?))
    }

    async fn pending(&self) -> Result<Found> {
        let mut state = self.state.lock().await;
        let pending = Queries::new(&mut state.connection, &self.path).pending().await?;
        Ok(Found::new(pending.into_iter().map(|(_, fault)| fault).collect()))
    }

    async fn orphans(&self, now: jiff::Timestamp) -> Result<Found> {
        let mut state = self.state.lock().await;
        let State { connection, session } = &mut *state;
        let own = session.as_deref();
        let mut queries = Queries::new(connection, &self.path);
        let mut dead = BTreeSet::new();
        for name in queries.pending_sessions().await? {
            let is_own = own.is_some_and(|own| own.name() == name);
            if !is_own && !session::is_alive(&self.path, &name)? {
                dead.insert(name);
            }
        }
        session::sweep(&self.path);
        // Read only now: whoever was dead before changes nothing any more, and who ended in order has nothing pending here.
        let mut pending = queries.pending().await?;
        pending.retain(|(name, fault)| {
            fault.is_overdue(now)
                || match own {
                    Some(own) if own.name() == name => !own.holds(fault.id),
                    _ => dead.contains(name),
                }
        });
        Ok(Found::new(pending.into_iter().map(|(_, fault)| fault).collect()))
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<()> {
        let mut state = self.state.lock().await;
        let mut transaction = self.begin(&mut state.connection).await?;
        Queries::new(&mut transaction, &self.path).set_halt(halt.as_ref()).await?;
        self.commit(transaction).await
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        let mut state = self.state.lock().await;
        Queries::new(&mut state.connection, &self.path).halt().await
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
        sqlx::query(statement).execute(&mut state.connection).await.unwrap();
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
            let mut transaction = journal.begin(&mut state.connection).await.unwrap();
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
        let transaction = other.begin(&mut state.connection).await.unwrap();
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
        let connection = &mut state.connection;
        let synchronous: i64 =
            sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await.unwrap();
        let mode: String =
            sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await.unwrap();
        let foreign_keys: i64 =
            sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(&mut *connection).await.unwrap();
        assert_eq!((synchronous, mode.as_str(), foreign_keys), (2, "wal", 1));
    }
}
