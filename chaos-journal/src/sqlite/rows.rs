use std::{error::Error as StdError, str::FromStr};

use chaos_core::{
    Error, ErrorKind, FaultId, Result,
    fault::FaultRecord,
    journal::{Found, Unreadable},
    recovery::RecoveryRecord,
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Decode, Row, Sqlite, Type, sqlite::SqliteRow};

/// An instant as the journal stores it. From the year 0 on, its text sorts like the instants.
pub(super) fn instant(at: Timestamp) -> String {
    format!("{at:.9}")
}

/// A structured value as the journal stores it.
pub(super) fn json<T: Serialize>(value: &T, column: &'static str) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "the fault has no JSON form")
            .with("column", column)
            .caused_by(error)
    })
}

/// A fault as read from its row.
///
/// The fields that are needed to undo the fault are there. A field that only tells how the fault went may have been
/// unreadable. Then it is left out here and stays in the row as it is.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) fault: FaultRecord,
    unread: Vec<(&'static str, Error)>,
}

/// A pending fault, and the values that decide whether it is held, as far as each can be read.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) entry: Result<FaultRecord, Unreadable>,
    pub(super) id: Option<FaultId>,
    pub(super) session: Option<String>,
    recover_by: Option<Timestamp>,
}

impl Entry {
    /// Reads a fault back. If a field that is needed to undo it cannot be read, the error names the fault.
    pub(super) fn read(row: &SqliteRow) -> Result<Self> {
        let row = Columns(row);
        read_fault(&row).map_err(|error| {
            let id = row.text("id").unwrap_or_default();
            error.with("fault", id)
        })
    }

    /// The fault, if all of it could be read.
    fn whole(self) -> Result<FaultRecord> {
        match self.unread.into_iter().next() {
            None => Ok(self.fault),
            Some((_, error)) => Err(error.with("fault", self.fault.id)),
        }
    }

    /// Whether the value of the row in `column` is unknown, and so must not be overwritten.
    pub(super) fn lacks(&self, column: &str) -> bool {
        self.unread.iter().any(|(unread, _)| *unread == column)
    }
}

impl Pending {
    /// Reads everything that can be read.
    pub(super) fn read(row: &SqliteRow) -> Self {
        let entry = Entry::read(row).map(|entry| entry.fault).map_err(|error| unreadable_entry(row, &error));
        let row = Columns(row);
        let recover_by = match &entry {
            Ok(fault) => Some(fault.recover_by),
            Err(_) => row.parsed_if_there("recover_by").ok().flatten(),
        };
        Self { entry, id: row.parsed("id").ok(), session: row.text("session").ok(), recover_by }
    }

    /// Whether its lease no longer counts.
    pub(super) fn is_overdue(&self, now: Timestamp) -> bool {
        self.recover_by.is_some_and(|recover_by| now > recover_by)
    }
}

/// Reads a fault that is needed completely.
pub(super) fn told(row: &SqliteRow) -> Result<FaultRecord, Unreadable> {
    Entry::read(row).and_then(Entry::whole).map_err(|error| unreadable_entry(row, &error))
}

/// The fields that could be read, and those that could not.
pub(super) fn found(entries: impl IntoIterator<Item = Result<FaultRecord, Unreadable>>) -> Found {
    let mut found = Found::default();
    for entry in entries {
        match entry {
            Ok(fault) => found.faults.push(fault),
            Err(unreadable) => found.unreadable.push(unreadable),
        }
    }
    found
}

fn unreadable_entry(row: &SqliteRow, error: &Error) -> Unreadable {
    let row = Columns(row);
    let name = row.text("id").or_else(|_| row.get::<i64>("position").map(|number| format!("row {number}")));
    let unreadable = Unreadable::new(name.unwrap_or_default(), error.into());
    match row.parsed("target") {
        Ok(target) => unreadable.target(target),
        Err(_) => unreadable,
    }
}

fn read_fault(row: &Columns<'_>) -> Result<Entry> {
    let recovery = RecoveryRecord::new(row.text("recovery_kind")?, row.json("recovery_payload")?);
    let mut unread = Vec::new();
    let mut fault = FaultRecord::armed(
        row.parsed("id")?,
        or_unread(&mut unread, "seed", |column| row.parsed(column)),
        row.parsed("target")?,
        row.text("event")?,
        recovery,
        or_unread(&mut unread, "requested", |column| row.json(column)),
        row.parsed("armed_at")?,
        row.parsed("deadline")?,
    );
    fault.group = row.parsed("group_id")?;
    // Without it, another target with this name might be taken for this one.
    fault.incarnation = row.get_if_there("incarnation")?;
    fault.state = row.parsed("state")?;
    fault.achieved = or_unread(&mut unread, "achieved", |column| row.json(column));
    fault.injecting_at = or_unread(&mut unread, "injecting_at", |column| row.parsed_if_there(column));
    fault.injected_at = or_unread(&mut unread, "injected_at", |column| row.parsed_if_there(column));
    fault.recovering_at = or_unread(&mut unread, "recovering_at", |column| row.parsed_if_there(column));
    fault.ended_at = or_unread(&mut unread, "ended_at", |column| row.parsed_if_there(column));
    fault.milestones = or_unread(&mut unread, "milestones", |column| row.json(column));
    fault.failure = or_unread(&mut unread, "failure", |column| row.json_if_there(column));
    fault.note = or_unread(&mut unread, "note", |column| row.get(column));
    // A journal of version 1 that cannot be upgraded has none of these.
    if let Some(recover_by) = or_unread(&mut unread, "recover_by", |column| row.parsed_if_there(column)) {
        fault.recover_by = recover_by;
    }
    fault.cut_short = or_unread(&mut unread, "cut_short", |column| row.json_if_there(column));
    fault.no_effect = or_unread(&mut unread, "no_effect", |column| row.get_if_there(column));
    let gone: Option<bool> = or_unread(&mut unread, "gone", |column| row.json_if_there(column));
    fault.gone = gone.unwrap_or_default();
    // The recovery needs it.
    fault.progress = row.json_if_there("progress")?.unwrap_or_default();
    fault.is_counted = row.is_counted();
    fault.due = or_unread(&mut unread, "due", |column| row.json_if_there(column));
    Ok(Entry { fault, unread })
}

fn or_unread<T: Default>(
    unread: &mut Vec<(&'static str, Error)>,
    column: &'static str,
    read: impl FnOnce(&'static str) -> Result<T>,
) -> T {
    read(column).unwrap_or_else(|error| {
        unread.push((column, error));
        T::default()
    })
}

/// A row, with access by the meaning of its columns.
pub(super) struct Columns<'r>(pub(super) &'r SqliteRow);

impl<'r> Columns<'r> {
    fn get<T: Decode<'r, Sqlite> + Type<Sqlite>>(&self, column: &'static str) -> Result<T> {
        self.0.try_get(column).map_err(|error| unreadable(column, error))
    }

    pub(super) fn text(&self, column: &'static str) -> Result<String> {
        self.get(column)
    }

    pub(super) fn number(&self, column: &'static str) -> Result<i64> {
        self.get(column)
    }

    pub(super) fn parsed<T: FromStr<Err: StdError + Send + Sync + 'static>>(
        &self,
        column: &'static str,
    ) -> Result<T> {
        parse(column, &self.text(column)?)
    }

    pub(super) fn parsed_if_there<T>(&self, column: &'static str) -> Result<Option<T>>
    where
        T: FromStr<Err: StdError + Send + Sync + 'static>,
    {
        let text: Option<String> = self.get_if_there(column)?;
        text.map(|text| parse(column, &text)).transpose()
    }

    /// Whether a fault counts in the limits. One whose column cannot be read does.
    pub(super) fn is_counted(&self) -> bool {
        let uncounted: Option<bool> = self.json_if_there("uncounted").ok().flatten();
        !uncounted.unwrap_or_default()
    }

    fn json_if_there<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>> {
        let text: Option<String> = self.get_if_there(column)?;
        text.map(|text| from_json(column, &text)).transpose()
    }

    /// `None` also if the table has no such column.
    fn get_if_there<T: Decode<'r, Sqlite> + Type<Sqlite>>(&self, column: &'static str) -> Result<Option<T>> {
        if self.0.try_column(column).is_ok() { self.get(column) } else { Ok(None) }
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        from_json(column, &self.text(column)?)
    }
}

fn parse<T: FromStr<Err: StdError + Send + Sync + 'static>>(column: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|error| unreadable(column, error).with("value", text))
}

fn from_json<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| unreadable(column, error))
}

fn unreadable(column: &'static str, error: impl StdError + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Corrupt, "an entry of the journal cannot be read")
        .with("column", column)
        .caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_instants_sorts_as_they_do_and_loses_nothing() {
        let instants = [
            "0000-01-01T00:00:00Z".parse().unwrap(),
            "1969-12-31T23:59:59.999999999Z".parse().unwrap(),
            Timestamp::UNIX_EPOCH,
            "2026-03-02T09:00:00Z".parse().unwrap(),
            "2026-03-02T09:00:00.000000001Z".parse().unwrap(),
            "2026-03-02T09:00:00.1Z".parse().unwrap(),
            "2262-04-12T00:00:00Z".parse().unwrap(),
            Timestamp::MAX,
        ];
        let texts = instants.map(instant);
        assert!(texts.is_sorted(), "{texts:?}");
        for (at, text) in instants.iter().zip(&texts) {
            assert_eq!(text.parse::<Timestamp>().unwrap(), *at);
        }
        // The smallest timestamp sorts before all of them, so a query since then finds everything.
        assert!(instant(Timestamp::MIN) < texts[0]);
    }
}
