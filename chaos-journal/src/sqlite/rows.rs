use std::{error::Error as StdError, str::FromStr};

use chaos_core::{Error, ErrorKind, FaultRecord, RecoveryRecord, Result};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Decode, Row, Sqlite, Type, sqlite::SqliteRow};

/// An instant as the journal stores it. Its text sorts as the instants do, from the year 0 on.
pub(super) fn instant(at: Timestamp) -> String {
    format!("{at:.9}")
}

/// A value with structure as the journal stores it.
pub(super) fn json<T: Serialize>(value: &T, column: &'static str) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "the fault has no JSON form")
            .with("column", column)
            .caused_by(error)
    })
}

/// Reads a fault back. What cannot be read is an error that names the fault, never left out.
pub(super) fn fault(row: &SqliteRow) -> Result<FaultRecord> {
    let row = Columns(row);
    read_fault(&row).map_err(|error| {
        let id = row.text("id").unwrap_or_default();
        error.with("fault", id)
    })
}

fn read_fault(row: &Columns<'_>) -> Result<FaultRecord> {
    let recovery = RecoveryRecord::new(row.text("recovery_kind")?, row.json("recovery_payload")?);
    let mut fault = FaultRecord::armed(
        row.parsed("id")?,
        row.parsed("seed")?,
        row.parsed("target")?,
        row.text("event")?,
        recovery,
        row.json("requested")?,
        row.parsed("armed_at")?,
        row.parsed("deadline")?,
    );
    fault.group = row.parsed("group_id")?;
    fault.achieved = row.json("achieved")?;
    fault.state = row.parsed("state")?;
    fault.injecting_at = row.parsed_if_there("injecting_at")?;
    fault.injected_at = row.parsed_if_there("injected_at")?;
    fault.recovering_at = row.parsed_if_there("recovering_at")?;
    fault.ended_at = row.parsed_if_there("ended_at")?;
    fault.milestones = row.json("milestones")?;
    fault.failure =
        row.get::<Option<String>>("failure")?.map(|text| from_json("failure", &text)).transpose()?;
    fault.note = row.get("note")?;
    Ok(fault)
}

/// A row by the meaning of its columns.
pub(super) struct Columns<'r>(pub(super) &'r SqliteRow);

impl<'r> Columns<'r> {
    fn get<T: Decode<'r, Sqlite> + Type<Sqlite>>(&self, column: &'static str) -> Result<T> {
        self.0.try_get(column).map_err(|error| unreadable(column, error))
    }

    pub(super) fn text(&self, column: &'static str) -> Result<String> {
        self.get(column)
    }

    pub(super) fn count(&self, column: &'static str) -> Result<usize> {
        let count: i64 = self.get(column)?;
        usize::try_from(count).map_err(|error| unreadable(column, error))
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
        let text: Option<String> = self.get(column)?;
        text.map(|text| parse(column, &text)).transpose()
    }

    fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
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
        // The beginning of time lies before all of them, so that a query since then finds everything.
        assert!(instant(Timestamp::MIN) < texts[0]);
    }
}
