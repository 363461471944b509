use std::path::Path;

use chaos_core::{Error, FaultId, FaultQuery, FaultRecord, Halt, Result, Tally};
use sqlx::{
    QueryBuilder, Sqlite, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{
    error,
    rows::{self, Columns, instant, json},
};

/// The statements of a journal, over its connection or a transaction of it. Errors name the file at `path`.
#[derive(Debug)]
pub(super) struct Queries<'c> {
    connection: &'c mut SqliteConnection,
    path: &'c Path,
}

impl<'c> Queries<'c> {
    pub(super) fn new(connection: &'c mut SqliteConnection, path: &'c Path) -> Self {
        Self { connection, path }
    }

    /// One fault.
    pub(super) async fn fault(&mut self, id: FaultId) -> Result<Option<FaultRecord>> {
        let query = sqlx::query("SELECT * FROM fault WHERE id = ?").bind(id.to_string());
        self.first(query, rows::fault).await
    }

    /// The faults that match, oldest first.
    pub(super) async fn find(&mut self, query: &FaultQuery) -> Result<Vec<FaultRecord>> {
        // Newest first, because that is where the limit counts from; an index yields them in this order.
        let mut found = self.all(select(query).build(), rows::fault).await?;
        found.reverse();
        Ok(found)
    }

    /// Every pending fault with the session that armed it, in the order of arming.
    pub(super) async fn pending(&mut self) -> Result<Vec<(String, FaultRecord)>> {
        let query = sqlx::query("SELECT * FROM fault WHERE state <> 'recovered' ORDER BY position");
        self.all(query, |row| Ok((Columns(row).text("session")?, rows::fault(row)?))).await
    }

    /// The sessions that armed what is pending.
    pub(super) async fn pending_sessions(&mut self) -> Result<Vec<String>> {
        let query = sqlx::query("SELECT DISTINCT session FROM fault WHERE state <> 'recovered'");
        self.all(query, |row| Columns(row).text("session")).await
    }

    /// What the limits are about, as far as it concerns `fault`.
    pub(super) async fn tally(&mut self, fault: &FaultRecord) -> Result<Tally> {
        let on_target = sqlx::query(
            "SELECT id, state FROM fault WHERE state <> 'recovered' AND target = ? ORDER BY position LIMIT 1",
        )
        .bind(fault.target.as_str());
        let counts = sqlx::query(
            "SELECT count(*) AS in_total, coalesce(sum(group_id = ?), 0) AS in_group
             FROM fault WHERE state <> 'recovered'",
        )
        .bind(fault.group.as_str());
        let last = sqlx::query("SELECT max(injecting_at) AS last FROM fault WHERE target = ? AND event = ?")
            .bind(fault.target.as_str())
            .bind(fault.event.as_str());

        let mut tally = Tally::default();
        tally.halt = self.halt().await?;
        tally.on_target = self
            .first(on_target, |row| {
                let row = Columns(row);
                Ok((row.parsed("id")?, row.parsed("state")?))
            })
            .await?;
        (tally.in_total, tally.in_group) = self
            .first(counts, |row| {
                let row = Columns(row);
                Ok((row.count("in_total")?, row.count("in_group")?))
            })
            .await?
            .unwrap_or_default();
        tally.last_injecting = self.first(last, |row| Columns(row).parsed_if_there("last")).await?.flatten();
        Ok(tally)
    }

    /// Writes a new fault.
    pub(super) async fn insert(&mut self, fault: &FaultRecord, session: &str) -> Result<()> {
        let query = sqlx::query(
            "INSERT INTO fault (id, session, seed, target, group_id, event, recovery_kind, recovery_payload, requested,
                 armed_at, deadline, achieved, state, injecting_at, injected_at, recovering_at, ended_at, milestones,
                 failure, note)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(fault.id.to_string())
        .bind(session)
        .bind(fault.seed.to_string())
        .bind(fault.target.as_str())
        .bind(fault.group.as_str())
        .bind(&fault.event)
        .bind(&fault.recovery.kind)
        .bind(json(&fault.recovery.payload, "recovery_payload")?)
        .bind(json(&fault.requested, "requested")?)
        .bind(instant(fault.armed_at))
        .bind(instant(fault.deadline));
        self.write(bind_progress(query, fault)?).await
    }

    /// Writes what a mark may have changed.
    pub(super) async fn update(&mut self, fault: &FaultRecord) -> Result<()> {
        let query = sqlx::query(
            "UPDATE fault SET achieved = ?, state = ?, injecting_at = ?, injected_at = ?, recovering_at = ?, ended_at = ?,
                 milestones = ?, failure = ?, note = ?
             WHERE id = ?",
        );
        let query = bind_progress(query, fault)?.bind(fault.id.to_string());
        self.write(query).await
    }

    /// The halt in force.
    pub(super) async fn halt(&mut self) -> Result<Option<Halt>> {
        let query = sqlx::query("SELECT reason, since FROM halt");
        self.first(query, |row| {
            let row = Columns(row);
            Ok(Halt::new(row.text("reason")?, row.parsed("since")?))
        })
        .await
    }

    /// Replaces the halt in force.
    pub(super) async fn set_halt(&mut self, halt: Option<&Halt>) -> Result<()> {
        let query = match halt {
            None => sqlx::query("DELETE FROM halt"),
            Some(halt) => {
                sqlx::query("INSERT OR REPLACE INTO halt (only_row, reason, since) VALUES (1, ?, ?)")
                    .bind(&halt.reason)
                    .bind(instant(halt.since))
            }
        };
        self.write(query).await
    }

    async fn first<T>(
        &mut self,
        query: Statement<'_>,
        read: impl FnOnce(&SqliteRow) -> Result<T>,
    ) -> Result<Option<T>> {
        let row = query
            .fetch_optional(&mut *self.connection)
            .await
            .map_err(error::of_database(self.path, "read"))?;
        row.map(move |row| read(&row)).transpose().map_err(|error| self.located(error))
    }

    async fn all<T: Send + Unpin>(
        &mut self,
        query: Statement<'_>,
        mut read: impl FnMut(&SqliteRow) -> Result<T> + Send,
    ) -> Result<Vec<T>> {
        let found: Vec<Result<T>> = query
            .map(move |row| read(&row))
            .fetch_all(&mut *self.connection)
            .await
            .map_err(error::of_database(self.path, "read"))?;
        let found: Result<Vec<T>> = found.into_iter().collect();
        found.map_err(|error| self.located(error))
    }

    async fn write(&mut self, query: Statement<'_>) -> Result<()> {
        query.execute(&mut *self.connection).await.map_err(error::of_database(self.path, "write"))?;
        Ok(())
    }

    fn located(&self, error: Error) -> Error {
        error.with("journal", self.path.display())
    }
}

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Binds the nine columns that marks change, in the order that `insert` and `update` share.
fn bind_progress<'q>(query: Statement<'q>, fault: &'q FaultRecord) -> Result<Statement<'q>> {
    let failure = fault.failure.as_ref().map(|failure| json(failure, "failure"));
    Ok(query
        .bind(json(&fault.achieved, "achieved")?)
        .bind(fault.state.to_string())
        .bind(fault.injecting_at.map(instant))
        .bind(fault.injected_at.map(instant))
        .bind(fault.recovering_at.map(instant))
        .bind(fault.ended_at.map(instant))
        .bind(json(&fault.milestones, "milestones")?)
        .bind(failure.transpose()?)
        .bind(fault.note.as_deref()))
}

fn select(query: &FaultQuery) -> QueryBuilder<Sqlite> {
    let conditions = [
        (" AND armed_at >= ", query.since.map(instant)),
        (" AND armed_at < ", query.before.map(instant)),
        (" AND group_id = ", query.group.as_ref().map(ToString::to_string)),
        (" AND target = ", query.target.as_ref().map(ToString::to_string)),
        (" AND event = ", query.event.clone()),
        (" AND state = ", query.state.map(|state| state.to_string())),
    ];
    let mut select = QueryBuilder::new("SELECT * FROM fault WHERE TRUE");
    for (condition, value) in conditions {
        if let Some(value) = value {
            select.push(condition).push_bind(value);
        }
    }
    select.push(" ORDER BY armed_at DESC, position DESC");
    if let Some(limit) = query.limit {
        select.push(" LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    }
    select
}
