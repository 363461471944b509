//! Shows the faults in a journal.

use std::path::PathBuf;

use chaos_core::{FaultQuery, FaultRecord, FaultState, GroupId, Journal, TargetId};
use clap::Parser;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    arguments::instant,
    journal,
    program::{ProgramResult, Status, print, print_json},
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
    /// Only faults in this group, by its whole id
    #[arg(long, value_name = "ID")]
    group: Option<GroupId>,
    /// Only faults on this target, by its whole id
    #[arg(long, value_name = "ID")]
    target: Option<TargetId>,
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
    fn query(&self) -> FaultQuery {
        let mut query = FaultQuery::all();
        query.since = self.since;
        query.group.clone_from(&self.group);
        query.target.clone_from(&self.target);
        query.event.clone_from(&self.event);
        query.state = self.state;
        query.limit = self.limit;
        query
    }
}

/// Reads a journal and changes nothing in it.
///
/// # Errors
/// Where the journal cannot be opened or read.
pub async fn history(arguments: HistoryArguments) -> ProgramResult {
    let journal = journal::open_existing(&arguments.journal).await?;
    let faults = journal.find(&arguments.query()).await?;
    journal.close().await?;
    if arguments.json {
        print_json(&History { faults })?;
    } else if faults.is_empty() {
        print("no faults")?;
    } else {
        print(&table(&faults).to_string())?;
    }
    Ok(Status::Done)
}

fn table(faults: &[FaultRecord]) -> Table {
    let mut table =
        Table::with_headings(["armed at", "fault", "event", "target", "state", "recovered after", "remark"]);
    for fault in faults {
        let remark =
            fault.failure.as_ref().map(|failure| failure.message.clone()).or_else(|| fault.note.clone());
        table.row([
            format!("{:.0}", fault.armed_at),
            fault.id.to_string(),
            fault.event.clone(),
            fault.target.to_string(),
            fault.state.to_string(),
            fault.time_to_recover().map_or_else(|| "-".to_owned(), |time| format!("{time:.1?}")),
            remark.unwrap_or_default(),
        ]);
    }
    table
}
