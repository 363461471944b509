use std::path::Path;

use chaos_core::{
    Error, FaultId, Result,
    fault::{FaultRecord, FaultState},
    journal::{FaultQuery, Found, Halt},
    schedule::TakenDue,
};
use jiff::Timestamp;
use sqlx::{
    QueryBuilder, Sqlite, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

use super::{
    error,
    rows::{self, Columns, Entry, Pending, instant, json},
    tallies::Place,
};

/// The statements of a journal, over its connection or a transaction of it. Errors name the file at `path`.
#[derive(Debug)]
pub(super) struct Queries<'c> {
    connection: &'c mut SqliteConnection,
    path: &'c Path,
    have_failed: bool,
}

impl<'c> Queries<'c> {
    pub(super) fn new(connection: &'c mut SqliteConnection, path: &'c Path) -> Self {
        Self { connection, path, have_failed: false }
    }

    /// Whether there is a fault with this id, readable or not.
    pub(super) async fn holds(&mut self, id: FaultId) -> Result<bool> {
        let query = sqlx::query("SELECT id FROM fault WHERE id = ?").bind(id.to_string());
        Ok(self.first(query, |_| Ok(())).await?.is_some())
    }

    /// One fault.
    pub(super) async fn fault(&mut self, id: FaultId) -> Result<Option<Entry>> {
        let query = sqlx::query("SELECT * FROM fault WHERE id = ?").bind(id.to_string());
        self.first(query, Entry::read).await
    }

    /// The faults that match, oldest first, and after them those with an unknown state.
    pub(super) async fn find(&mut self, query: &FaultQuery) -> Result<Found> {
        // Newest first, because the limit counts from there. An index yields them in this order.
        let mut found = self.all(select(query).build(), rows::told).await?;
        found.reverse();
        if query.state.is_some() {
            found.extend(self.all(select_unknown(query).build(), rows::told).await?);
        }
        Ok(rows::found(found))
    }

    /// Every pending fault, in the order of arming.
    pub(super) async fn pending(&mut self) -> Result<Vec<Pending>> {
        self.all(
            sqlx::query("SELECT * FROM fault WHERE state <> 'recovered' ORDER BY position"),
            Pending::read,
        )
        .await
    }

    /// The sessions that armed the pending faults, as far as they can be read.
    pub(super) async fn pending_sessions(&mut self) -> Result<Vec<String>> {
        let query = sqlx::query("SELECT DISTINCT session FROM fault WHERE state <> 'recovered'");
        let sessions = self.all(query, |row| Columns(row).text("session")).await?;
        Ok(sessions.into_iter().flatten().collect())
    }

    /// The targets of the pending faults, in the order of arming.
    pub(super) async fn pending_places(&mut self) -> Result<Vec<Place>> {
        let pending = "SELECT id, state, target, group_id, uncounted FROM fault WHERE state <> 'recovered'
             ORDER BY position";
        self.all(sqlx::query(pending), Place::read).await
    }

    /// When the last injection of the event of `fault` into its target began.
    pub(super) async fn last_injecting(&mut self, fault: &FaultRecord) -> Result<Option<Timestamp>> {
        let last = sqlx::query("SELECT max(injecting_at) AS last FROM fault WHERE target = ? AND event = ?")
            .bind(fault.target.as_str())
            .bind(fault.event.as_str());
        Ok(self.first(last, |row| Columns(row).parsed_if_there("last")).await?.flatten())
    }

    /// A fault of another run that has carried out the same due.
    pub(super) async fn due_taken_by(
        &mut self,
        fault: &FaultRecord,
        due: TakenDue,
    ) -> Result<Option<FaultId>> {
        let query = sqlx::query(
            "SELECT id FROM fault WHERE group_id = ? AND due IS NOT NULL AND json_extract(due, '$.day') = ?
                 AND json_extract(due, '$.run') <> ? LIMIT 1",
        )
        .bind(fault.group.as_str())
        .bind(due.day.to_string())
        .bind(due.run.to_string());
        self.first(query, |row| Columns(row).parsed("id")).await
    }

    /// When the last fault of other runs in the group was armed.
    pub(super) async fn last_in_group(
        &mut self,
        fault: &FaultRecord,
        due: TakenDue,
    ) -> Result<Option<Timestamp>> {
        let query = sqlx::query(
            "SELECT armed_at FROM fault WHERE group_id = ? AND (due IS NULL OR json_extract(due, '$.run') <> ?)
             ORDER BY armed_at DESC LIMIT 1",
        )
        .bind(fault.group.as_str())
        .bind(due.run.to_string());
        self.first(query, |row| Columns(row).parsed("armed_at")).await
    }

    /// Writes a new fault.
    pub(super) async fn insert(&mut self, fault: &FaultRecord, session: &str) -> Result<()> {
        let query = sqlx::query(
            "INSERT INTO fault (id, session, seed, target, group_id, event, recovery_kind, recovery_payload, requested,
                 armed_at, deadline, recover_by, incarnation, achieved, state, injecting_at, injected_at, recovering_at,
                 ended_at, milestones, failure, note, cut_short, no_effect, gone, progress, uncounted, due)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        .bind(instant(fault.deadline))
        .bind(instant(fault.recover_by))
        .bind(fault.incarnation.as_deref());
        let due = fault.due.map(|due| json(&due, "due")).transpose()?;
        let query = bind_progress(query, fault, |_| false)?.bind((!fault.is_counted).then_some("true"));
        self.write(query.bind(due)).await
    }

    /// Removes a fault that is still only armed.
    pub(super) async fn delete_armed(&mut self, id: FaultId) -> Result<()> {
        let query = sqlx::query("DELETE FROM fault WHERE id = ? AND state = 'armed'").bind(id.to_string());
        self.write(query).await
    }

    /// Writes the columns that a mark may have changed. A mark never removes a value, and an unreadable value stays.
    pub(super) async fn update(&mut self, entry: &Entry) -> Result<()> {
        let query = sqlx::query(
            "UPDATE fault SET achieved = coalesce(?, achieved), state = ?, injecting_at = coalesce(?, injecting_at),
                 injected_at = coalesce(?, injected_at), recovering_at = coalesce(?, recovering_at),
                 ended_at = coalesce(?, ended_at), milestones = coalesce(?, milestones), failure = coalesce(?, failure),
                 note = coalesce(?, note), cut_short = coalesce(?, cut_short), no_effect = coalesce(?, no_effect),
                 gone = coalesce(?, gone), progress = coalesce(?, progress)
             WHERE id = ?",
        );
        let query = bind_progress(query, &entry.fault, |column| entry.lacks(column))?;
        self.write(query.bind(entry.fault.id.to_string())).await
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

    /// Whether a statement has failed, so that its transaction must be rolled back. A value that merely cannot be read
    /// or written fails on its own.
    pub(super) fn have_failed(&self) -> bool {
        self.have_failed
    }

    pub(super) async fn first<T>(
        &mut self,
        query: Statement<'_>,
        read: impl FnOnce(&SqliteRow) -> Result<T>,
    ) -> Result<Option<T>> {
        let row = query.fetch_optional(&mut *self.connection).await;
        let row = self.judged(row, "read")?;
        row.map(move |row| read(&row)).transpose().map_err(|error| self.located(error))
    }

    pub(super) async fn all<T: Send + Unpin>(
        &mut self,
        query: Statement<'_>,
        mut read: impl FnMut(&SqliteRow) -> T + Send,
    ) -> Result<Vec<T>> {
        let rows = query.map(move |row| read(&row)).fetch_all(&mut *self.connection).await;
        self.judged(rows, "read")
    }

    pub(super) async fn write(&mut self, query: Statement<'_>) -> Result<()> {
        let written = query.execute(&mut *self.connection).await;
        self.judged(written, "write").map(drop)
    }

    fn judged<T>(&mut self, result: sqlx::Result<T>, doing: &'static str) -> Result<T> {
        self.have_failed |= result.is_err();
        result.map_err(error::of_database(self.path, doing))
    }

    fn located(&self, error: Error) -> Error {
        error.with("journal", self.path.display())
    }
}

type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Binds the columns that marks change, in the order that `insert` and `update` share; `NULL` for those that stay.
fn bind_progress<'q>(
    query: Statement<'q>,
    fault: &'q FaultRecord,
    stays: impl Fn(&str) -> bool,
) -> Result<Statement<'q>> {
    let unless_it_stays = |column: &'static str, text: Result<String>| match stays(column) {
        true => Ok(None),
        false => text.map(Some),
    };
    let failure = fault.failure.as_ref().map(|failure| json(failure, "failure"));
    let progress = Some(&fault.progress).filter(|progress| !progress.is_empty());
    let progress = progress.map(|progress| json(progress, "progress"));
    let cut_short = fault.cut_short.as_ref().map(|cut_short| json(cut_short, "cut_short"));
    Ok(query
        .bind(unless_it_stays("achieved", json(&fault.achieved, "achieved"))?)
        .bind(fault.state.to_string())
        .bind(fault.injecting_at.map(instant))
        .bind(fault.injected_at.map(instant))
        .bind(fault.recovering_at.map(instant))
        .bind(fault.ended_at.map(instant))
        .bind(unless_it_stays("milestones", json(&fault.milestones, "milestones"))?)
        .bind(failure.transpose()?)
        .bind(fault.note.as_deref())
        .bind(cut_short.transpose()?)
        .bind(fault.no_effect.as_deref())
        .bind(fault.gone.then_some("true"))
        .bind(progress.transpose()?))
}

fn select(query: &FaultQuery) -> QueryBuilder<Sqlite> {
    let mut select = QueryBuilder::new("SELECT * FROM fault WHERE TRUE");
    push_conditions(&mut select, query);
    if let Some(state) = query.state {
        select.push(" AND state = ").push_bind(state.to_string());
    }
    select.push(" ORDER BY armed_at DESC, position DESC");
    if let Some(limit) = query.limit {
        select.push(" LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    }
    select
}

/// Rows in an unknown state may be in the requested one. There are few rows that are not recovered.
fn select_unknown(query: &FaultQuery) -> QueryBuilder<Sqlite> {
    let mut select = QueryBuilder::new("SELECT * FROM fault WHERE state <> 'recovered'");
    for state in FaultState::ALL {
        select.push(" AND state <> ").push_bind(state.to_string());
    }
    push_conditions(&mut select, query);
    select.push(" ORDER BY position");
    select
}

/// All conditions except the state.
fn push_conditions(select: &mut QueryBuilder<Sqlite>, query: &FaultQuery) {
    let conditions = [
        (" AND armed_at >= ", query.since.map(instant)),
        (" AND armed_at < ", query.before.map(instant)),
        (" AND group_id = ", query.group.as_ref().map(|group| group.as_str().to_owned())),
        (" AND target = ", query.target.as_ref().map(|target| target.as_str().to_owned())),
        (" AND event = ", query.event.clone()),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            select.push(condition).push_bind(value);
        }
    }
}
