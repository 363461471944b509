use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use chaos_core::{
    FaultId, Journal, Result,
    clock::{Clock as _, SystemClock},
    fault::{FaultRecord, FaultState},
    journal::{FaultQuery, Found, Unreadable},
    text::escaped,
};
use clap::Parser;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    dues::{self, Wanted},
    purge::{date_or_instant, purge},
    whole_id::whole_id,
};
use crate::{
    arguments::instant,
    catalogue::Catalogue,
    journal,
    program::{
        ProgramResult, Status, by_hand, escaped_lines, is_unrecorded, print, print_json, recover_command,
        remarks, state_text, unreadable_table,
    },
    table::Table,
};

/// The arguments of `history`.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "history",
    version,
    about = "Shows the faults or the dues in a journal, oldest first, or forgets old ones"
)]
#[non_exhaustive]
pub struct HistoryArguments {
    /// The journal
    #[arg(long, value_name = "PATH")]
    journal: PathBuf,
    /// Show the dues of schedules in place of the faults: what came of each, and what stopped it
    #[arg(long, conflicts_with_all = ["target", "event", "state"])]
    dues: bool,
    /// Show nothing; forget the recovered faults and the settled dues before then: a date, an instant, or how long ago,
    /// such as 400d. What is pending stays, and so does the last fault of each group
    #[arg(
        long, value_name = "DATE", value_parser = date_or_instant,
        conflicts_with_all = ["dues", "since", "group", "target", "event", "state", "limit"]
    )]
    purge_before: Option<Timestamp>,
    /// Forget without asking
    #[arg(long, requires = "purge_before")]
    yes: bool,
    /// Only faults or dues since then: an instant, or how long ago, such as 2h
    #[arg(long, value_name = "WHEN", value_parser = instant)]
    since: Option<Timestamp>,
    /// Only faults or dues of this group, by its id, such as local:drill, or the last part of it
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
    /// Only this many, the newest
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

/// The output of `--json`.
#[derive(Serialize)]
struct History {
    faults: Vec<Entry>,
    /// The unreadable entries that may be such faults.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable>,
}

/// A fault, and if it is pending, how to recover it.
#[derive(Serialize)]
struct Entry {
    #[serde(flatten)]
    fault: FaultRecord,
    /// The command line that recovers it, unless `recover` does not know the event or the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    recover_with: Option<String>,
    /// The instructions for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<String>,
}

impl Entry {
    fn of(fault: FaultRecord, journal: &Path, catalogue: &Catalogue) -> Self {
        if fault.state == FaultState::Recovered {
            return Self { fault, recover_with: None, by_hand: None };
        }
        let (recover_with, by_hand) = match by_hand(&fault, catalogue) {
            Ok(words) => (Some(recover_command(journal)), words),
            Err(unknown) => (None, unknown),
        };
        Self { fault, recover_with, by_hand: Some(by_hand) }
    }
}

impl HistoryArguments {
    async fn query(&self, journal: &impl Journal) -> Result<FaultQuery> {
        let mut query = FaultQuery::all();
        query.since = self.since;
        if let Some(wanted) = &self.group {
            let known = journal.find(&FaultQuery::all()).await?.faults.into_iter().map(|fault| fault.group);
            query.group = Some(whole_id("--group", wanted, "local:drill", known)?);
        }
        if let Some(wanted) = &self.target {
            let known = journal.find(&FaultQuery::all()).await?.faults.into_iter().map(|fault| fault.target);
            query.target = Some(whole_id("--target", wanted, "local:drill/replica-0", known)?);
        }
        query.event.clone_from(&self.event);
        query.state = self.state;
        query.limit = self.limit;
        Ok(query)
    }
}

/// Reads a journal, or makes it forget what is over.
///
/// # Errors
/// If the journal cannot be opened or read, or a confirmation cannot be asked for.
pub async fn history(arguments: HistoryArguments, catalogue: &Catalogue) -> ProgramResult {
    let journal = journal::open_existing(&arguments.journal).await?;
    if let Some(before) = arguments.purge_before {
        return purge(journal, before, arguments.yes, arguments.json).await;
    }
    if arguments.dues {
        let group = arguments.group.as_deref();
        let wanted = Wanted { since: arguments.since, group, limit: arguments.limit };
        let found = dues::find(&journal, &wanted).await?;
        journal.close().await?;
        dues::show(&found, arguments.json)?;
        return Ok(Status::Done);
    }
    let Found { faults, unreadable, .. } = journal.find(&arguments.query(&journal).await?).await?;
    let now = SystemClock::default().now();
    let is_pending = |fault: &FaultRecord| fault.state != FaultState::Recovered;
    // Only a person reads the marks.
    let orphans = match !arguments.json && faults.iter().any(is_pending) {
        true => journal.orphans(now).await?.faults.into_iter().map(|fault| fault.id).collect(),
        false => BTreeSet::new(),
    };
    let others = match !arguments.json && faults.is_empty() {
        true => journal.find(&FaultQuery::all()).await?.faults,
        false => Vec::new(),
    };
    let path = journal.path().to_owned();
    journal.close().await?;
    if arguments.json {
        let faults = faults.into_iter().map(|fault| Entry::of(fault, &path, catalogue)).collect();
        print_json(&History { faults, unreadable })?;
        return Ok(Status::Done);
    }
    let mut parts = Vec::new();
    if faults.is_empty() {
        parts.push(no_faults(&others));
    } else {
        parts.push(table(&faults, &orphans, now).to_string());
        let abandoned: Vec<&FaultRecord> =
            faults.iter().filter(|fault| orphans.contains(&fault.id)).collect();
        if !abandoned.is_empty() {
            parts.push(way_back(&abandoned, &path, catalogue));
        }
    }
    if !unreadable.is_empty() {
        parts.push(format!("\n{}", unreadable_table(&unreadable)));
    }
    print(&parts.join("\n"))?;
    Ok(Status::Done)
}

/// The message if no fault matches, because a name may have been misspelt.
fn no_faults(others: &[FaultRecord]) -> String {
    if others.is_empty() {
        return "no faults".to_owned();
    }
    let events: BTreeSet<&str> = others.iter().map(|fault| fault.event.as_str()).collect();
    let events: Vec<&str> = events.into_iter().collect();
    format!("no faults match; the journal holds: {}, of {}", others.len(), escaped(&events.join(", ")))
}

/// How to recover the faults that no live process holds: with a program, and by hand.
fn way_back(abandoned: &[&FaultRecord], journal: &Path, catalogue: &Catalogue) -> String {
    let (mut is_ours, mut words) = (false, String::new());
    for fault in abandoned {
        let told = by_hand(fault, catalogue);
        is_ours |= told.is_ok();
        let (Ok(text) | Err(text)) = told;
        words.push_str(&format!("\n{} by hand: {}", fault.id, escaped_lines(&text)));
    }
    let command = is_ours.then(|| format!("\nrecover with: {}", recover_command(journal)));
    command.unwrap_or_default() + &words
}

fn table(faults: &[FaultRecord], orphans: &BTreeSet<FaultId>, now: Timestamp) -> Table {
    let mut table = Table::with_headings([
        "armed at",
        "fault",
        "event",
        "target",
        "state",
        "recovered after",
        "reverted in",
        "remark",
    ]);
    let time = |time: Option<Duration>| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1?}"));
    for fault in faults {
        table.row([
            format!("{:.0}", fault.armed_at),
            fault.id.to_string(),
            fault.event.clone(),
            fault.target.to_string(),
            state_text(fault.state, is_unrecorded(fault), fault.gone),
            time(fault.time_to_recover()),
            time(fault.time_to_revert()),
            all_remarks(fault, orphans.contains(&fault.id), now),
        ]);
    }
    table
}

/// Marks the faults that no live process holds.
fn all_remarks(fault: &FaultRecord, is_orphan: bool, now: Timestamp) -> String {
    let pending = match (is_orphan, fault.is_overdue(now)) {
        (true, true) => Some("PENDING and overdue: the process that held it has ended or does not act"),
        (true, false) => Some("PENDING: no live process holds it"),
        (false, _) => None,
    };
    let others = remarks(fault, fault.failure.as_ref());
    pending.map(str::to_owned).into_iter().chain(others).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use chaos_core::{
        fault::{CutShort, Magnitude},
        recovery::RecoveryRecord,
        testing::sample,
    };
    use serde_json::json;

    use super::*;
    use crate::catalogue::catalogue;

    fn left(id: &str, kind: &str, payload: serde_json::Value) -> FaultRecord {
        let target = "local:web/replica-1".parse().unwrap();
        let recovery = RecoveryRecord::new(kind, payload);
        let at = Timestamp::UNIX_EPOCH;
        FaultRecord::armed(id.parse().unwrap(), 1, target, "event", recovery, Magnitude::default(), at, at)
    }

    #[test]
    fn a_fault_that_the_steady_state_cut_short_says_why_which_probe_and_when() {
        let mut fault = sample::fault();
        fault.cut_short = Some(CutShort::NotSteady);
        let note = "not steady: home page: 503, expected 200, 1.2 s after the injection";
        fault.note = Some(note.to_owned());
        let shown = table(std::slice::from_ref(&fault), &BTreeSet::new(), Timestamp::UNIX_EPOCH).to_string();
        assert!(shown.contains(&format!("cut short: the system was not steady; {note}")), "{shown}");
        let json = serde_json::to_value(Entry::of(fault, Path::new("/tmp/a.journal"), &catalogue())).unwrap();
        assert_eq!((json["cut_short"].as_str(), json["note"].as_str()), (Some("not-steady"), Some(note)));
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
        let both = way_back(&[&stopped, &foreign], journal, &catalogue());
        assert!(
            both.contains("recover with: ") && both.contains("Start local:web/replica-1 again"),
            "{both}"
        );
        let alone = way_back(&[&foreign], journal, &catalogue());
        assert!(!alone.contains("recover with"), "{alone}");
        assert!(
            alone.contains("Run the program that injected it") && alone.contains("my-company/power-back/1")
        );
    }
}
