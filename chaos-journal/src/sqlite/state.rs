use std::{path::Path, sync::Arc};

use chaos_core::{Error, ErrorKind, FaultId, Result, chance::Entropy};
use sqlx::{Connection, Sqlite, Transaction};

use super::{
    database::{self, Database},
    error, identity,
    queries::Queries,
    schema,
    session::Session,
};

/// An open journal: its file, and the session that arms.
#[derive(Debug)]
pub(super) struct State {
    pub(super) path: Arc<Path>,
    pub(super) database: Database,
    /// Begun by the first arming.
    pub(super) session: Option<Arc<Session>>,
    entropy: Arc<dyn Entropy>,
}

impl State {
    pub(super) fn new(path: Arc<Path>, database: Database, entropy: Arc<dyn Entropy>) -> Self {
        Self { path, database, session: None, entropy }
    }

    /// The statements outside of any transaction.
    pub(super) fn queries(&mut self) -> Queries<'_> {
        Queries::new(&mut self.database.connection, &self.path)
    }

    pub(super) fn check_recordable(&self) -> Result<()> {
        if !self.database.is_read_only {
            return Ok(());
        }
        let why = "the journal is on a read-only file system, so nothing can be recorded in it";
        Err(Error::new(ErrorKind::Journal, why).with("journal", self.path.display()))
    }

    /// The session of this journal, begun by the first call.
    pub(super) fn session(&mut self) -> Result<Arc<Session>> {
        match &self.session {
            Some(session) => Ok(Arc::clone(session)),
            None => {
                let begun = Session::begin(&self.path, &*self.entropy)?;
                Ok(Arc::clone(self.session.insert(begun)))
            }
        }
    }

    /// Begins an exclusive write transaction, in the file that the path names.
    pub(super) async fn begin(&mut self) -> Result<Transaction<'_, Sqlite>> {
        let doing = "begin a transaction";
        self.check_recordable()?;
        if self.database.connection.is_in_transaction() {
            // A dropped task has requested a roll-back that may not be finished yet.
            self.database.connection.ping().await.map_err(error::of_database(&self.path, doing))?;
        }
        if self.database.connection.is_in_transaction() {
            // SQLite has rolled back by itself, for instance because the disk was full, and the connection does not
            // know.
            let again = database::connect(&self.path).await?;
            if !again.files.is_same_database(self.database.files) {
                return Err(identity::moved(&self.path));
            }
            self.database = again;
        }
        let files = self.database.files;
        let mut transaction = self
            .database
            .connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(error::of_database(&self.path, doing))?;
        files.check(&self.path)?;
        schema::check_unchanged(&mut transaction, &self.path).await?;
        Ok(transaction)
    }

    /// Copies committed data from the log into the file itself, so that it is found even if the log is lost.
    ///
    /// # Errors
    /// Retryable if a reader of an older state of the journal prevents it for too long.
    pub(super) async fn settle(&mut self) -> Result<()> {
        if database::checkpoint(&mut self.database.connection, &self.path).await? {
            return self.database.files.check(&self.path);
        }
        Err(Error::new(
            ErrorKind::Journal,
            "another program has been reading the journal for too long, so its log cannot be written into its file; \
             end that program",
        )
        .with("journal", self.path.display())
        .retryable(true))
    }

    /// Copies into the file what can be copied now, so that the log starts over. The marks of a hold then find room on
    /// a full disk in the place of the arming.
    pub(super) async fn settle_if_possible(&mut self) {
        let _ = database::checkpoint_once(&mut self.database.connection, &self.path).await;
    }

    /// Removes faults that were armed a moment ago and not reported to any caller.
    pub(super) async fn take_back(&mut self, faults: &[FaultId]) -> Result<()> {
        let path = Arc::clone(&self.path);
        let mut transaction = self.begin().await?;
        let mut queries = Queries::new(&mut transaction, &path);
        for fault in faults {
            queries.delete_armed(*fault).await?;
        }
        commit(transaction, &path).await
    }
}

/// Makes the writes of the transaction durable.
pub(super) async fn commit(transaction: Transaction<'_, Sqlite>, path: &Path) -> Result<()> {
    transaction.commit().await.map_err(error::of_database(path, "commit a transaction"))
}
