//! Shows the faults in a journal.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use chaos_core::{
    Clock as _, Error, FaultId, FaultQuery, FaultRecord, FaultState, Journal, Result, SystemClock,
};
use clap::Parser;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    arguments::instant,
    journal,
    program::{ProgramResult, Status, print, print_json, recover_command},
    table::Table,
};

/// What `history` is told.
#[derive(Clone, Debug, Parser)]
#[command(name = "history", version, about = "Shows the faults in a journal, oldest first")]
#[non_exhaustive]
pub struct HistoryArguments {
    /// The journal
    #[arg(long, value_name = "PATH")]
    journal: PathBuf,
    /// Only faults since then: an instant, or how long ago it was, such as 2h
    #[arg(long, value_name = "WHEN", value_parser = instant)]
    since: Option<Timestamp>,
    /// Only faults in this group, by its id, such as local:drill, or the last part of it
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    /// Only faults on this target, by its id, such as local:drill/replica-0, or the last part of it
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    /// Only faults of this event
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Only faults in this state: armed, injecting, active, recovering, recovered or recovery-failed
    #[arg(long, value_name = "STATE")]
    state: Option<FaultState>,
    /// Only the newest
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct History {
    faults: Vec<FaultRecord>,
}

impl HistoryArguments {
    async fn query(&self, journal: &impl Journal) -> Result<FaultQuery> {
        let mut query = FaultQuery::all();
        query.since = self.since;
        if let Some(wanted) = &self.group {
            let example = "local:drill";
            query.group = Some(whole_id(journal, "--group", wanted, example, |fault| &fault.group).await?);
        }
        if let Some(wanted) = &self.target {
            let example = "local:drill/replica-0";
            query.target = Some(whole_id(journal, "--target", wanted, example, |fault| &fault.target).await?);
        }
        query.event.clone_from(&self.event);
        query.state = self.state;
        query.limit = self.limit;
        Ok(query)
    }
}

/// The id that is meant: `wanted` itself, or the one in the journal of which it is the path or the last part.
async fn whole_id<Id: FromStr + Clone + Ord + fmt::Display>(
    journal: &impl Journal,
    argument: &str,
    wanted: &str,
    example: &str,
    id_of: impl Fn(&FaultRecord) -> &Id,
) -> Result<Id> {
    if let Ok(id) = wanted.parse() {
        return Ok(id);
    }
    let faults = journal.find(&FaultQuery::all()).await?.faults;
    let is_meant = |id: &str| id.ends_with(&format!(":{wanted}")) || id.ends_with(&format!("/{wanted}"));
    let meant: BTreeSet<&Id> = faults.iter().map(id_of).filter(|id| is_meant(&id.to_string())).collect();
    let mut meant_ids = meant.iter();
    match (meant_ids.next(), meant_ids.next()) {
        (Some(&id), None) => Ok(id.clone()),
        (None, _) => {
            let expected = format!("an id such as {example}, or the last part of one in the journal");
            Err(Error::invalid(argument, format!("{wanted:?}"), expected))
        }
        (Some(_), Some(_)) => {
            let ids: Vec<String> = meant.iter().map(ToString::to_string).collect();
            Err(Error::invalid(argument, format!("{wanted:?}"), format!("one of: {}", ids.join(", "))))
        }
    }
}

/// Reads a journal and changes nothing in it.
///
/// # Errors
/// Where the journal cannot be opened or read.
pub async fn history(arguments: HistoryArguments) -> ProgramResult {
    let journal = journal::open_existing(&arguments.journal).await?;
    let faults = journal.find(&arguments.query(&journal).await?).await?.faults;
    let is_pending = |fault: &FaultRecord| fault.state != FaultState::Recovered;
    // Only a person reads the marks.
    let orphans = match !arguments.json && faults.iter().any(is_pending) {
        true => journal
            .orphans(SystemClock::default().now())
            .await?
            .faults
            .into_iter()
            .map(|fault| fault.id)
            .collect(),
        false => BTreeSet::new(),
    };
    let others = match !arguments.json && faults.is_empty() {
        true => journal.find(&FaultQuery::all()).await?.faults,
        false => Vec::new(),
    };
    let path = journal.path().to_owned();
    journal.close().await?;
    if arguments.json {
        print_json(&History { faults })?;
    } else if faults.is_empty() {
        print(&no_faults(&others))?;
    } else {
        print(&table(&faults, &orphans).to_string())?;
        let abandoned: Vec<&FaultRecord> =
            faults.iter().filter(|fault| orphans.contains(&fault.id)).collect();
        if !abandoned.is_empty() {
            print(&way_back(&abandoned, &path))?;
        }
    }
    Ok(Status::Done)
}

/// What to say where no fault is one that was asked for: a name may have been misspelt.
fn no_faults(others: &[FaultRecord]) -> String {
    if others.is_empty() {
        return "no faults".to_owned();
    }
    let events: BTreeSet<&str> = others.iter().map(|fault| fault.event.as_str()).collect();
    let events: Vec<&str> = events.into_iter().collect();
    format!("no faults like these; in the journal: {}, of {}", others.len(), events.join(", "))
}

/// How to bring back what nobody takes care of: with a program, and without any.
fn way_back(abandoned: &[&FaultRecord], journal: &Path) -> String {
    let registry = chaos_events::registry();
    let (mut is_ours, mut by_hand) = (false, String::new());
    for fault in abandoned {
        let text = match registry.read(&fault.recovery) {
            Ok(recovery) => {
                is_ours = true;
                recovery.by_hand(&fault.target, fault.id)
            }
            // An event of somebody else's.
            Err(_) => format!(
                "Run the program that injected it, over this journal: what undoes it is {}, which is not known here.",
                fault.recovery.kind
            ),
        };
        by_hand.push_str(&format!("\n{} by hand: {text}", fault.id));
    }
    let command = is_ours.then(|| format!("\nrecover with: {}", recover_command(journal)));
    command.unwrap_or_default() + &by_hand
}

fn table(faults: &[FaultRecord], orphans: &BTreeSet<FaultId>) -> Table {
    let mut table =
        Table::with_headings(["armed at", "fault", "event", "target", "state", "recovered after", "remark"]);
    for fault in faults {
        let abandoned = orphans.contains(&fault.id).then(|| "PENDING, nobody takes care of it".to_owned());
        let remark = fault.failure.as_ref().map(|failure| failure.message.clone());
        let remarks: Vec<String> =
            abandoned.into_iter().chain(remark.or_else(|| fault.note.clone())).collect();
        table.row([
            format!("{:.0}", fault.armed_at),
            fault.id.to_string(),
            fault.event.clone(),
            fault.target.to_string(),
            fault.state.to_string(),
            fault.time_to_recover().map_or_else(|| "-".to_owned(), |time| format!("{time:.1?}")),
            remarks.join(": "),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use chaos_core::{Magnitude, RecoveryRecord};
    use serde_json::json;

    use super::*;

    fn left(id: &str, kind: &str, payload: serde_json::Value) -> FaultRecord {
        let target = "local:web/replica-1".parse().unwrap();
        let recovery = RecoveryRecord::new(kind, payload);
        let at = Timestamp::UNIX_EPOCH;
        FaultRecord::armed(id.parse().unwrap(), 1, target, "event", recovery, Magnitude::default(), at, at)
    }

    #[test]
    fn only_the_program_that_knows_a_recovery_is_named() {
        let stopped = left(
            "00000000000000a1",
            "chaos-events/start-again/1",
            json!({ "replaced": true, "healthy": 5, "from_the_beginning": false }),
        );
        let foreign = left("00000000000000a2", "my-company/power-back/1", json!({}));
        let journal = Path::new("/tmp/a.journal");
        let both = way_back(&[&stopped, &foreign], journal);
        assert!(
            both.contains("recover with: ") && both.contains("Start local:web/replica-1 again"),
            "{both}"
        );
        let alone = way_back(&[&foreign], journal);
        assert!(!alone.contains("recover with"), "{alone}");
        assert!(
            alone.contains("Run the program that injected it") && alone.contains("my-company/power-back/1")
        );
    }
}
