//! Forgets what is over.

use std::io::{self, BufRead, IsTerminal, Write};

use chaos_core::{
    Error, ErrorKind, Result,
    clock::{Clock as _, SystemClock},
    journal::{Forget, forget_all},
};
use chaos_journal::SqlJournal;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::{
    arguments::instant,
    program::{ProgramError, ProgramResult, Status, print, print_json},
};

/// The output of `--json`.
#[derive(Serialize)]
struct Purged {
    before: Timestamp,
    faults: usize,
    dues: usize,
}

/// Parses the start of a date by UTC, an instant, or how long ago it was.
pub(super) fn date_or_instant(text: &str) -> std::result::Result<Timestamp, String> {
    let expected =
        "expected a date such as 2026-01-31, an instant, or how long ago, such as 400d; not in the future";
    let parsed = match text.parse::<Date>() {
        Ok(date) => date.to_zoned(TimeZone::UTC).map(|start| start.timestamp()).ok(),
        Err(_) => instant(text).ok(),
    };
    parsed.filter(|before| *before <= SystemClock::default().now()).ok_or_else(|| expected.to_owned())
}

/// Makes the journal forget what is over and older than `before`, after a confirmation.
pub(super) async fn purge(journal: SqlJournal, before: Timestamp, yes: bool, json: bool) -> ProgramResult {
    if !yes && !whether(&journal, before).await? {
        print("nothing was forgotten")?;
        return Ok(Status::Done);
    }
    let forget = Forget::before(before, SystemClock::default().now());
    let forgotten = forget_all(&journal, &forget).await?;
    journal.close().await?;
    let (faults, dues) = (forgotten.faults, forgotten.dues);
    if json {
        print_json(&Purged { before, faults, dues })?;
    } else {
        print(&format!("forgotten: {faults} faults and {dues} dues before {before:.0}"))?;
    }
    Ok(Status::Done)
}

async fn whether(journal: &SqlJournal, before: Timestamp) -> std::result::Result<bool, ProgramError> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let what = "to forget needs a confirmation, but there is no terminal to ask on";
        return Err(ProgramError::from(Error::new(ErrorKind::InvalidInput, what)).hint("pass --yes"));
    }
    let path = journal.path().display();
    let question =
        format!("Forget the recovered faults and settled dues before {before:.0} in {path}? [y/N] ");
    Ok(answer(question).await.is_ok_and(|answer| answer == "y" || answer == "yes"))
}

async fn answer(question: String) -> Result<String> {
    let asked = spawn_blocking(move || -> io::Result<String> {
        let mut stderr = io::stderr().lock();
        stderr.write_all(question.as_bytes())?;
        stderr.flush()?;
        drop(stderr);
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(answer.trim().to_lowercase())
    });
    match asked.await {
        Ok(Ok(answer)) => Ok(answer),
        _ => Err(Error::new(ErrorKind::Other, "the answer could not be read")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_begins_at_midnight_by_utc_and_no_future_is_forgotten() {
        assert_eq!(date_or_instant("2026-01-31"), Ok("2026-01-31T00:00:00Z".parse().unwrap()));
        assert_eq!(date_or_instant("2026-01-31T09:00:00Z"), Ok("2026-01-31T09:00:00Z".parse().unwrap()));
        assert!(date_or_instant("400d").is_ok());
        for wrong in ["2999-01-01", "yesterday", "2026-13-01", ""] {
            assert!(date_or_instant(wrong).unwrap_err().contains("a date such as"), "{wrong}");
        }
    }
}
