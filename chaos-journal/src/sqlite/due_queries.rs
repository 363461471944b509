//! The statements about dues, and about what the monkeys over a journal share.

use std::collections::HashMap;

use chaos_core::{
    Error, ErrorKind, GroupId, Result,
    fault::FaultRecord,
    journal::{DueNote, DueQuery, DueRecord, DueState, FoundDues, KeptSchedule, Unreadable},
    schedule::DueId,
};
use jiff::{Timestamp, civil::Date};
use sqlx::{QueryBuilder, Sqlite, sqlite::SqliteRow};

use super::{
    queries::Queries,
    rows::{Columns, Entry, instant, json},
};

/// A fault's due in the statements, by the index over it.
const OF_FAULT: &str = "fault.due IS NOT NULL AND json_extract(fault.due, '$.day')";

impl Queries<'_> {
    /// The record of one due, as its faults tell.
    pub(super) async fn due(&mut self, id: &DueId, rehearsed: bool) -> Result<Option<DueRecord>> {
        let query = sqlx::query("SELECT * FROM due WHERE day = ? AND rehearsed = ? AND group_id = ?")
            .bind(id.day.to_string())
            .bind(i64::from(rehearsed))
            .bind(id.group.as_str());
        let Some(record) = self.first(query, read).await? else { return Ok(None) };
        if rehearsed {
            return Ok(Some(record));
        }
        let mut query = QueryBuilder::new(format!("SELECT * FROM fault WHERE {OF_FAULT} = "));
        query.push_bind(id.day.to_string()).push(" AND group_id = ").push_bind(id.group.as_str());
        let faults = self.all(query.build(), Entry::read).await?;
        // One that cannot be read must not be taken for one that is not there.
        let faults: Vec<FaultRecord> =
            faults.into_iter().map(|entry| entry.map(|entry| entry.fault)).collect::<Result<_>>()?;
        Ok(Some(record.by(&faults)))
    }

    /// Applies a note.
    pub(super) async fn note_due(&mut self, note: &DueNote) -> Result<()> {
        let known = self.due(&note.id, note.rehearsed).await?;
        let mut record = known.unwrap_or_else(|| DueRecord::open(note.id.clone(), note.rehearsed, note.now));
        record.apply(note);
        self.write_due(&record).await
    }

    /// Writes a record in place of the one that is there.
    pub(super) async fn write_due(&mut self, record: &DueRecord) -> Result<()> {
        let query = sqlx::query(
            "INSERT INTO due (day, group_id, rehearsed, at, state, run, stops, other_stops, changed_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (day, rehearsed, group_id) DO UPDATE SET at = excluded.at, state = excluded.state,
                 run = excluded.run, stops = excluded.stops, other_stops = excluded.other_stops,
                 changed_at = excluded.changed_at",
        )
        .bind(record.id.day.to_string())
        .bind(record.id.group.as_str())
        .bind(i64::from(record.rehearsed))
        .bind(record.at.map(instant))
        .bind(record.state.to_string())
        .bind(record.run.map(|run| run.to_string()))
        .bind(json(&record.stops, "stops")?)
        .bind(i64::try_from(record.other_stops).unwrap_or(i64::MAX))
        .bind(instant(record.changed_at));
        self.write(query).await
    }

    /// The due that a fault takes has a record from then on.
    pub(super) async fn open_due(&mut self, fault: &FaultRecord) -> Result<()> {
        let Some(due) = fault.due else { return Ok(()) };
        let query = sqlx::query(
            "INSERT INTO due (day, group_id, rehearsed, state, stops, other_stops, changed_at)
             VALUES (?, ?, 0, 'open', '[]', 0, ?) ON CONFLICT DO NOTHING",
        )
        .bind(due.day.to_string())
        .bind(fault.group.as_str())
        .bind(instant(fault.armed_at));
        self.write(query).await
    }

    /// The dues that match, by day and then by group.
    pub(super) async fn dues(&mut self, query: &DueQuery) -> Result<FoundDues> {
        let mut found = FoundDues::default();
        for row in
            self.all(select(query, "*").build(), |row| read(row).map_err(|error| named(row, &error))).await?
        {
            match row {
                Ok(record) => found.dues.push(record),
                Err(unreadable) => found.unreadable.push(unreadable),
            }
        }
        let mut by_due = self.faults_of(query, &mut found.unreadable).await?;
        found.dues = found
            .dues
            .into_iter()
            .map(|record| {
                let faults = by_due.remove(&(record.id.day, record.id.group.clone()));
                // A rehearsal says nothing of the faults of the same day.
                match (record.rehearsed, faults) {
                    (false, Some(faults)) => record.by(&faults),
                    (true, Some(faults)) => {
                        by_due.insert((record.id.day, record.id.group.clone()), faults);
                        record
                    }
                    (_, None) => record,
                }
            })
            .filter(|record| query.matches(record))
            .collect();
        found.dues.sort_by(DueRecord::order);
        let surplus = query.limit.map_or(0, |limit| found.dues.len().saturating_sub(limit));
        found.dues.drain(..surplus);
        Ok(found)
    }

    /// The faults that carry out the dues that may match.
    async fn faults_of(
        &mut self,
        query: &DueQuery,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<HashMap<(Date, GroupId), Vec<FaultRecord>>> {
        let mut by_due = HashMap::<_, Vec<FaultRecord>>::new();
        if query.rehearsed == Some(true) {
            return Ok(by_due);
        }
        // Each is found by the index over the faults that have a due.
        let mut joined = QueryBuilder::new("SELECT fault.* FROM (");
        push_selected(&mut joined, query, "day, group_id, rehearsed");
        joined.push(format!(
            ") AS found CROSS JOIN fault ON fault.group_id = found.group_id AND {OF_FAULT} = found.day
             WHERE found.rehearsed = 0"
        ));
        for row in
            self.all(joined.build(), |row| Entry::read(row).map_err(|error| named(row, &error))).await?
        {
            match row {
                Ok(Entry { fault, .. }) => {
                    if let Some(due) = fault.due {
                        by_due.entry((due.day, fault.group.clone())).or_default().push(fault);
                    }
                }
                Err(entry) => unreadable.push(entry),
            }
        }
        Ok(by_due)
    }

    /// What the monkeys over this journal share.
    pub(super) async fn kept_schedule(&mut self) -> Result<KeptSchedule> {
        let mut kept = KeptSchedule::default();
        kept.seed = self.kept("seed").await?;
        kept.looked_at = self.kept("looked_at").await?;
        Ok(kept)
    }

    pub(super) async fn keep_schedule(&mut self, kept: &KeptSchedule) -> Result<()> {
        if let Some(seed) = kept.seed {
            self.keep("seed", seed.to_string()).await?;
        }
        match kept.looked_at {
            Some(at) => self.keep("looked_at", instant(at)).await,
            None => Ok(()),
        }
    }

    /// The longest cool-down with which a fault was armed, in nanoseconds.
    pub(super) async fn longest_cool_down(&mut self) -> Result<u128> {
        Ok(self.kept("cool_down").await?.unwrap_or(0))
    }

    pub(super) async fn keep_cool_down(&mut self, nanoseconds: u128) -> Result<()> {
        self.keep("cool_down", nanoseconds.to_string()).await
    }

    async fn kept<T>(&mut self, name: &'static str) -> Result<Option<T>>
    where
        T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        let query = sqlx::query("SELECT value FROM kept WHERE name = ?").bind(name);
        self.first(query, |row| Columns(row).parsed("value"))
            .await
            .map_err(|error| error.with("value of", name))
    }

    async fn keep(&mut self, name: &'static str, value: String) -> Result<()> {
        let query =
            sqlx::query("INSERT OR REPLACE INTO kept (name, value) VALUES (?, ?)").bind(name).bind(value);
        self.write(query).await
    }

    /// The positions of at most `most` faults that may be forgotten, with their dues.
    pub(super) async fn forgettable(
        &mut self,
        before: Timestamp,
        cooled_down: Timestamp,
        most: usize,
    ) -> Result<Vec<(i64, Option<DueId>)>> {
        let query = sqlx::query(
            "SELECT position, group_id, json_extract(due, '$.day') AS day FROM fault
             WHERE state = 'recovered' AND armed_at < ? AND (injecting_at IS NULL OR injecting_at <= ?)
                 AND EXISTS (SELECT 1 FROM fault AS later WHERE later.group_id = fault.group_id
                     AND later.armed_at >= fault.armed_at
                     AND (later.armed_at > fault.armed_at OR later.position > fault.position))
             ORDER BY armed_at, position LIMIT ?",
        )
        .bind(instant(before))
        .bind(instant(cooled_down))
        .bind(i64::try_from(most).unwrap_or(i64::MAX));
        let read = |row: &SqliteRow| {
            let row = Columns(row);
            let due = match row.parsed_if_there("day")? {
                Some(day) => Some(DueId::new(row.parsed("group_id")?, day)),
                None => None,
            };
            Ok((row.number("position")?, due))
        };
        self.all(query, read).await?.into_iter().collect()
    }

    /// Removes the fault at this position.
    pub(super) async fn delete(&mut self, position: i64) -> Result<()> {
        self.write(sqlx::query("DELETE FROM fault WHERE position = ?").bind(position)).await
    }

    /// Forgets at most `most` settled dues that have no fault any more. Returns how many.
    pub(super) async fn forget_dues(&mut self, before: Timestamp, day: Date, most: usize) -> Result<usize> {
        let old = format!(
            "SELECT position FROM due WHERE day < ? AND changed_at < ? AND state <> 'open'
                 AND NOT EXISTS (SELECT 1 FROM fault WHERE fault.group_id = due.group_id AND {OF_FAULT} = due.day)
             ORDER BY day LIMIT ?"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(old))
            .bind(day.to_string())
            .bind(instant(before))
            .bind(i64::try_from(most).unwrap_or(i64::MAX));
        let read = |row: &SqliteRow| Columns(row).number("position");
        let positions: Vec<i64> = self.all(query, read).await?.into_iter().collect::<Result<_>>()?;
        for position in &positions {
            self.write(sqlx::query("DELETE FROM due WHERE position = ?").bind(*position)).await?;
        }
        Ok(positions.len())
    }
}

fn read(row: &SqliteRow) -> Result<DueRecord> {
    let row = Columns(row);
    let id = DueId::new(row.parsed("group_id")?, row.parsed("day")?);
    let mut record = DueRecord::open(id, row.number("rehearsed")? != 0, row.parsed("changed_at")?);
    record.at = row.parsed_if_there("at")?;
    record.state = row.parsed("state")?;
    record.run = row.parsed_if_there("run")?;
    record.stops = row.json("stops")?;
    record.other_stops = row.number("other_stops")?.try_into().unwrap_or(0);
    Ok(record)
}

/// A row that cannot be read, by its due.
fn named(row: &SqliteRow, error: &Error) -> Unreadable {
    let row = Columns(row);
    let due = || Ok::<_, Error>(format!("{} on {}", row.text("group_id")?, row.text("day")?));
    let name = row.text("id").or_else(|_| due());
    Unreadable::new(name.unwrap_or_default(), error.into())
}

fn select(query: &DueQuery, columns: &str) -> QueryBuilder<Sqlite> {
    let mut select = QueryBuilder::new("");
    push_selected(&mut select, query, columns);
    select
}

/// The dues that may match.
fn push_selected(select: &mut QueryBuilder<Sqlite>, query: &DueQuery, columns: &str) {
    select.push(format!("SELECT {columns} FROM due WHERE TRUE"));
    if let Some(since) = query.since {
        select.push(" AND day >= ").push_bind(since.to_string());
    }
    if let Some(before) = query.before {
        select.push(" AND day < ").push_bind(before.to_string());
    }
    if let Some(group) = &query.group {
        select.push(" AND group_id = ").push_bind(group.as_str().to_owned());
    }
    if let Some(rehearsed) = query.rehearsed {
        select.push(" AND rehearsed = ").push_bind(i64::from(rehearsed));
    }
    // What the faults tell may settle a due that is open here, or missed.
    match query.state {
        Some(DueState::Open) => {
            select.push(" AND state = 'open'");
        }
        Some(DueState::Missed) => {
            select.push(" AND state IN ('open', 'missed')");
        }
        Some(DueState::CarriedOut) => {
            select.push(" AND state IN ('open', 'missed', 'carried-out')");
        }
        Some(state) => {
            select.push(" AND state = ").push_bind(state.to_string());
        }
        None => {
            select.push(" ORDER BY day DESC, rehearsed DESC, group_id DESC");
            if let Some(limit) = query.limit {
                select.push(" LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
            }
        }
    }
}

/// The error for a journal of an earlier version that cannot be brought up to date.
pub(super) fn none_kept(path: &std::path::Path) -> Error {
    let what = "the journal is of a version that keeps no dues, and is on a read-only file system";
    Error::new(ErrorKind::Unsupported, what).with("journal", path.display())
}
