//! Recovers the faults that a drill has left behind.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use chaos_core::{
    FaultId, Journal, Monkey, Observer, Outcome, Result,
    clock::{Clock, SystemClock},
    fault::{FaultRecord, FaultState},
    journal::{Found, Unreadable},
    observer::Activity,
    text::escaped,
};
use chaos_local::Fleets;
use clap::Parser;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    catalogue::{Absent, Catalogue},
    journal,
    program::{
        Interrupt, LogTo, ProgramError, ProgramResult, Status, by_hand, clock_time, escaped_lines,
        is_unrecorded, lines_on_stderr, observe_if_asked, print, print_json, recover_command, remarks,
        state_text, unreadable_table,
    },
    table::Table,
};

/// The arguments of `recover`.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "recover",
    version,
    about = "Recovers the faults in a journal that no live process holds",
    after_help = "A refused recovery is retried until its budget is spent, which its run has set: 5 minutes unless it \
                  says otherwise.\n\n\
                  Exit codes: 0 everything is back or gone for good, or held by a live process and not overdue; 2 \
                  bad arguments; 4 something is not back, is overdue or cannot be read; 5 anything else."
)]
#[non_exhaustive]
pub struct RecoverArguments {
    /// The journal
    #[arg(long, value_name = "PATH")]
    journal: PathBuf,
    /// Also recover the faults that a live process holds and will recover itself
    #[arg(long)]
    all: bool,
    /// Recover nothing; record that you have brought the target of this fault back by hand
    #[arg(long, value_name = "FAULT", requires = "note", conflicts_with = "all")]
    mended: Option<FaultId>,
    /// How you did it, for the journal
    #[arg(long, value_name = "TEXT", requires = "mended")]
    note: Option<String>,
    #[command(flatten)]
    identity: Identity,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

/// As whom targets in a cloud are recovered.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Identity {
    /// For auto-scaling groups: use this profile of the shared configuration
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// For auto-scaling groups: assume this role
    #[arg(long, value_name = "ARN")]
    assume_role: Option<String>,
}

/// The output of `--json`.
#[derive(Serialize)]
struct Recovered {
    outcome: Outcome,
    /// The faults that were recovered, or that `recover` tried to.
    faults: Vec<Tried>,
    /// The faults that a live process holds.
    held: Vec<FaultRecord>,
    /// The unreadable entries, which were not tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable>,
}

/// One fault as it ended, and if it is not back, the instructions for a person.
#[derive(Serialize)]
struct Tried {
    #[serde(flatten)]
    fault: FaultRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<String>,
}

impl Tried {
    fn of(fault: FaultRecord, catalogue: &Catalogue) -> Self {
        let by_hand = is_left(&fault).then(|| by_hand(&fault, catalogue).unwrap_or_else(|unknown| unknown));
        Self { fault, by_hand }
    }
}

/// Whether a person has to bring it back.
fn is_left(fault: &FaultRecord) -> bool {
    fault.state != FaultState::Recovered && !is_unrecorded(fault)
}

/// Replays a journal.
///
/// # Errors
/// If the journal cannot be opened or read, or does not contain a given fault.
pub async fn recover(arguments: RecoverArguments, catalogue: &Catalogue) -> ProgramResult {
    LogTo::start(lines_on_stderr());
    let journal = Arc::new(journal::open_existing(&arguments.journal).await?);
    let monkey = recoverer(Arc::clone(&journal), &arguments.identity, catalogue).await?;
    // A recovery continues without anybody watching.
    let mut interrupt = Interrupt::listen()?.despite_hang_up();
    if journal.is_read_only() {
        say("the journal is on a read-only file system: recoveries are not recorded in it");
    }
    let work = async {
        match (arguments.mended, &arguments.note) {
            (Some(fault), Some(note)) => {
                monkey.declare_mended(fault, note.clone()).await?;
                let mut found = journal.find(&chaos_core::journal::FaultQuery::all()).await?;
                found.faults.retain(|record| record.id == fault);
                Ok(found)
            }
            _ if arguments.all => monkey.take_over_pending().await,
            _ => monkey.recover_pending().await,
        }
    };
    let Found { faults, .. } = tokio::select! {
        biased;
        // A recovery can be started again.
        () = interrupt.next() => {
            say(&format!("interrupted; continue with: {}", recover_command(&arguments.journal)));
            return Ok(Status::NotRecovered);
        }
        faults = work => faults?,
    };
    let tried = Status::of_recoveries(&faults);
    // Targets that are not back are reported, whatever else fails.
    let (pending, read) = match journal.pending().await {
        Ok(pending) => (pending, Ok(())),
        Err(error) => (Found::default(), Err(error)),
    };
    let Found { faults: mut held, unreadable, .. } = pending;
    held.retain(|pending| faults.iter().all(|fault| fault.id != pending.id));
    let left = Left { held, unreadable, at: SystemClock::default().now() };
    let status = if left.is_fine() { tried } else { Status::NotRecovered };
    let printed = if arguments.json {
        let outcome = if status == Status::Done { Outcome::Completed } else { Outcome::Failed };
        let Left { held, unreadable, .. } = left;
        let faults = faults.into_iter().map(|fault| Tried::of(fault, catalogue)).collect();
        print_json(&Recovered { outcome, faults, held, unreadable })
    } else {
        print(&summary(&faults, &left, catalogue))
    };
    status.and_then(read.and(printed))
}

/// The faults that are still pending and were not tried.
pub(crate) struct Left {
    pub(crate) held: Vec<FaultRecord>,
    pub(crate) unreadable: Vec<Unreadable>,
    pub(crate) at: Timestamp,
}

impl Left {
    /// Whether each holder still has time to end its fault, and nothing else is left.
    fn is_fine(&self) -> bool {
        self.unreadable.is_empty() && self.held.iter().all(|fault| self.is_in_time(fault))
    }

    fn is_in_time(&self, fault: &FaultRecord) -> bool {
        self.at <= fault.deadline
    }
}

/// A monkey that recovers what is pending in `journal`.
pub(crate) async fn recoverer(
    journal: Arc<impl Journal>,
    identity: &Identity,
    catalogue: &Catalogue,
) -> Result<Monkey, ProgramError> {
    let pending = journal.pending().await?.faults;
    let identity = [("profile", &identity.profile), ("assume-role", &identity.assume_role)];
    let identity = identity.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let identity = identity.map(|(name, value)| (name.to_owned(), Value::from(value.as_str()))).collect();
    let groups = || pending.iter().map(|fault| fault.group.clone());
    let mut opened = catalogue.providers.open_for(groups(), &identity).await;
    opened.providers.extend(catalogue.recovered.open_for(groups(), &identity).await.providers);
    let is_of =
        |absent: &&Absent| pending.iter().any(|fault| absent.schemes.contains(&fault.target.scheme()));
    let absent = catalogue.absent.iter().filter(is_of).map(Absent::unrecoverable);
    let unreachable = absent.chain(opened.refused.into_iter().map(ProgramError::from));
    let mut providers = opened.providers;
    for error in unreachable {
        if providers.is_empty() {
            return Err(error);
        }
        // The faults of other providers are recovered all the same.
        say(&error.to_string());
    }
    if providers.is_empty() {
        // There is no monkey without a provider, and this machine is always there.
        providers.push(Arc::new(Fleets::new()));
    }
    let builder = providers
        .into_iter()
        .fold(Monkey::builder(), |builder, provider| builder.provider(provider))
        .observer(Retries::default())
        .unleash(journal, catalogue.events.registry());
    Ok(observe_if_asked(builder).build()?)
}

/// Says why a fault is not recovered yet. A refusal is reported once, with the time until which the recovery is
/// retried. The summary tells the rest.
#[derive(Debug, Default)]
struct Retries {
    refused: Mutex<BTreeSet<FaultId>>,
}

impl Observer for Retries {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        let Activity::RecoveryRetried { fault, attempt, failure, wait, until, .. } = activity else { return };
        let (id, words) = (fault.id, escaped(&failure.message));
        if !failure.kind.is_refusal() {
            say(&format!("fault {id}, attempt {attempt}: {words}; the next in {wait:.1?}"));
        } else if self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
            say(&format!("fault {id} refused so far: {words}; retrying until {}", clock_time(*until)));
        }
    }
}

/// Tells a waiting person. A failure to write is no reason to stop.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A table of what was recovered, and of what is left.
pub(crate) fn summary(faults: &[FaultRecord], left: &Left, catalogue: &Catalogue) -> String {
    let mut parts = Vec::new();
    if faults.is_empty() {
        parts.push("nothing to recover".to_owned());
    } else {
        let mut table = Table::with_headings(["fault", "event", "target", "state", "remark"]);
        for fault in faults {
            let failure = fault.failure.as_ref().filter(|_| fault.state != FaultState::Recovered);
            table.row([
                fault.id.to_string(),
                fault.event.clone(),
                fault.target.to_string(),
                state_text(fault.state, is_unrecorded(fault), fault.gone),
                remarks(fault, failure).join("; "),
            ]);
        }
        parts.push(table.to_string());
    }
    for fault in faults.iter().filter(|fault| is_left(fault)) {
        let words = by_hand(fault, catalogue).map_or_else(|unknown| unknown, |words| escaped_lines(&words));
        parts.push(format!("{} by hand: {words}", fault.id));
    }
    let (in_time, overdue): (Vec<_>, Vec<_>) = left.held.iter().partition(|fault| left.is_in_time(fault));
    if !in_time.is_empty() {
        let why = "left alone, because a live process holds it (--all recovers it too):";
        parts.push(format!("{why}\n{}", held_table(&in_time, "deadline", |fault| fault.deadline)));
    }
    if !overdue.is_empty() {
        let why = "OVERDUE, and left to the live process that holds it (--all recovers it now):";
        parts.push(format!("{why}\n{}", held_table(&overdue, "left to it until", |fault| fault.recover_by)));
    }
    if !left.unreadable.is_empty() {
        parts.push(unreadable_table(&left.unreadable));
    }
    parts.join("\n\n")
}

/// A table of the times until which each may be held, under `heading`.
fn held_table(faults: &[&FaultRecord], heading: &str, until: impl Fn(&FaultRecord) -> Timestamp) -> Table {
    let mut table = Table::with_headings(["fault", "event", "target", "state", heading]);
    for fault in faults {
        table.row([
            fault.id.to_string(),
            fault.event.clone(),
            fault.target.to_string(),
            fault.state.to_string(),
            until(fault).to_string(),
        ]);
    }
    table
}
