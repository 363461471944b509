//! Recovers the faults that a drill has left behind.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::PathBuf,
};

use chaos_core::{
    Activity, FaultId, FaultRecord, FaultState, Found, Journal, Monkey, MonkeyBuilder, Observer, Outcome,
    Result,
};
#[cfg(not(all(feature = "aws", feature = "azure")))]
use chaos_core::{Error, ErrorKind};
use chaos_local::{Fleets, Processes};
use clap::Parser;
use indicatif::MultiProgress;
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

use crate::{
    journal,
    program::{
        Interrupt, LogTo, ProgramError, ProgramResult, Status, observe_if_asked, print, print_json,
        recover_command,
    },
    table::Table,
};

/// What `recover` is told.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "recover",
    version,
    about = "Recovers the faults in a journal that no living process takes care of",
    after_help = "Exit codes: 0 everything is back, 2 bad arguments, 4 something is not, 5 anything else."
)]
#[non_exhaustive]
pub struct RecoverArguments {
    /// The journal
    #[arg(long, value_name = "PATH")]
    journal: PathBuf,
    /// Also the faults that a living process holds, and will recover itself
    #[arg(long)]
    all: bool,
    /// Instead: note that you have brought the target of this fault back by hand
    #[arg(long, value_name = "FAULT", requires = "note", conflicts_with = "all")]
    mended: Option<FaultId>,
    /// How you did it
    #[arg(long, value_name = "TEXT", requires = "mended")]
    note: Option<String>,
    /// For auto-scaling groups: with this profile of the shared configuration
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// For auto-scaling groups: in this role
    #[arg(long, value_name = "ARN")]
    assume_role: Option<String>,
    /// Print one JSON object on standard output and nothing else
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Recovered {
    outcome: Outcome,
    /// What was recovered, or was tried.
    faults: Vec<FaultRecord>,
    /// What a living process holds.
    held: Vec<FaultRecord>,
}

/// Replays a journal.
///
/// # Errors
/// Where the journal cannot be opened or read, and for a fault that it does not hold.
pub async fn recover(arguments: RecoverArguments) -> ProgramResult {
    LogTo::start(MultiProgress::new());
    let journal = Arc::new(journal::open_existing(&arguments.journal).await?);
    let monkey = monkey(Arc::clone(&journal), &arguments).await?;
    let mut interrupt = Interrupt::listen()?;
    let work = async {
        match (arguments.mended, &arguments.note) {
            (Some(fault), Some(note)) => {
                monkey.declare_mended(fault, note.clone()).await?;
                let mut found = journal.find(&chaos_core::FaultQuery::all()).await?;
                found.faults.retain(|record| record.id == fault);
                Ok(found)
            }
            _ if arguments.all => monkey.take_over_pending().await,
            _ => monkey.recover_pending().await,
        }
    };
    let Found { faults, .. } = tokio::select! {
        biased;
        // What is begun can be begun again.
        () = interrupt.next() => {
            say(&format!("interrupted; go on with: {}", recover_command(&arguments.journal)));
            return Ok(Status::NotRecovered);
        }
        faults = work => faults?,
    };
    let mut held = journal.pending().await?.faults;
    held.retain(|pending| faults.iter().all(|fault| fault.id != pending.id));
    let status = Status::of_recoveries(&faults);
    if arguments.json {
        let outcome = if status == Status::Done { Outcome::Completed } else { Outcome::Failed };
        print_json(&Recovered { outcome, faults, held })?;
    } else {
        print(&summary(&faults, &held))?;
    }
    Ok(status)
}

async fn monkey(journal: Arc<impl Journal>, arguments: &RecoverArguments) -> Result<Monkey, ProgramError> {
    let pending = journal.pending().await?.faults;
    let builder = Monkey::builder()
        .provider(Fleets::new())
        .provider(Processes::named("recover").build()?)
        .observer(Retries)
        .unleash(journal, chaos_events::registry());
    let builder = with_clouds(builder, &pending, arguments).await?;
    Ok(observe_if_asked(builder).build()?)
}

/// With the providers of those clouds that have pending faults: nobody else needs their credentials.
async fn with_clouds(
    builder: MonkeyBuilder,
    pending: &[FaultRecord],
    arguments: &RecoverArguments,
) -> Result<MonkeyBuilder, ProgramError> {
    // After the account.
    let builder = match Places::of(pending, "aws-asg", 1) {
        Some(places) => with_aws(builder, places, arguments).await?,
        None => builder,
    };
    let builder = match Places::of(pending, "azure-avset", 0) {
        Some(places) => with_availability_sets(builder, places)?,
        None => builder,
    };
    match Places::of(pending, "azure-vmss", 0) {
        Some(places) => with_scale_sets(builder, places),
        None => Ok(builder),
    }
}

/// The regions or the subscriptions of pending faults, from the ids of their groups.
#[cfg_attr(not(any(feature = "aws", feature = "azure")), expect(dead_code, reason = "nobody can use them"))]
struct Places(BTreeSet<String>);

impl Places {
    /// The parts at `position` of the paths; `None` where no target is of this scheme.
    fn of(pending: &[FaultRecord], scheme: &str, position: usize) -> Option<Self> {
        let of_scheme = pending.iter().filter(|fault| fault.target.scheme() == scheme);
        let places: BTreeSet<String> = of_scheme
            .filter_map(|fault| fault.group.path().split('/').nth(position).map(str::to_owned))
            .collect();
        (!places.is_empty()).then_some(Self(places))
    }
}

#[cfg(feature = "aws")]
async fn with_aws(
    builder: MonkeyBuilder,
    regions: Places,
    arguments: &RecoverArguments,
) -> Result<MonkeyBuilder, ProgramError> {
    let mut groups = chaos_aws::AutoScaling::builder().regions(regions.0);
    if let Some(profile) = &arguments.profile {
        groups = groups.profile(profile);
    }
    if let Some(role) = &arguments.assume_role {
        groups = groups.assume_role(role);
    }
    Ok(builder.provider(groups.build().await?))
}

#[cfg(not(feature = "aws"))]
async fn with_aws(_: MonkeyBuilder, _: Places, _: &RecoverArguments) -> Result<MonkeyBuilder, ProgramError> {
    Err(without("aws"))
}

#[cfg(feature = "azure")]
fn with_availability_sets(
    builder: MonkeyBuilder,
    subscriptions: Places,
) -> Result<MonkeyBuilder, ProgramError> {
    let sets = chaos_azure::AvailabilitySets::builder().subscriptions(subscriptions.0);
    Ok(builder.provider(crate::azure::at_endpoint(sets).build()?))
}

#[cfg(feature = "azure")]
fn with_scale_sets(builder: MonkeyBuilder, subscriptions: Places) -> Result<MonkeyBuilder, ProgramError> {
    let sets = chaos_azure::ScaleSets::builder().subscriptions(subscriptions.0);
    Ok(builder.provider(crate::azure::at_endpoint(sets).build()?))
}

#[cfg(not(feature = "azure"))]
fn with_availability_sets(_: MonkeyBuilder, _: Places) -> Result<MonkeyBuilder, ProgramError> {
    Err(without("azure"))
}

#[cfg(not(feature = "azure"))]
fn with_scale_sets(_: MonkeyBuilder, _: Places) -> Result<MonkeyBuilder, ProgramError> {
    Err(without("azure"))
}

/// The journal holds faults of a cloud of which this program has nothing.
#[cfg(not(all(feature = "aws", feature = "azure")))]
fn without(cloud: &str) -> ProgramError {
    let what = "the journal holds faults of a cloud, and this program was built without the feature for it";
    let error = Error::new(ErrorKind::Unsupported, what).with("feature", cloud);
    ProgramError::from(error).hint(format!("`cargo {cloud}-recover` builds one with it"))
}

/// Says why a fault is not recovered yet. The summary says the rest.
#[derive(Debug)]
struct Retries;

impl Observer for Retries {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        if let Activity::RecoveryRetried { fault, attempt, failure, wait } = activity {
            say(&format!("fault {fault}, attempt {attempt}: {failure}; the next in {wait:.1?}"));
        }
    }
}

/// To a person who waits. That nobody can read it is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn summary(faults: &[FaultRecord], held: &[FaultRecord]) -> String {
    let mut parts = Vec::new();
    if faults.is_empty() {
        parts.push("nothing to recover".to_owned());
    } else {
        let mut table = Table::with_headings(["fault", "event", "target", "state", "remark"]);
        for fault in faults {
            let failure = fault.failure.as_ref().filter(|_| fault.state != FaultState::Recovered);
            let remark = failure.map(|failure| failure.message.clone()).or_else(|| fault.note.clone());
            table.row([
                fault.id.to_string(),
                fault.event.clone(),
                fault.target.to_string(),
                fault.state.to_string(),
                remark.unwrap_or_default(),
            ]);
        }
        parts.push(table.to_string());
    }
    if !held.is_empty() {
        let mut table = Table::with_headings(["fault", "event", "target", "state", "deadline"]);
        for fault in held {
            table.row([
                fault.id.to_string(),
                fault.event.clone(),
                fault.target.to_string(),
                fault.state.to_string(),
                fault.deadline.to_string(),
            ]);
        }
        parts.push(format!(
            "left alone, because a living process takes care of it (--all recovers it too):\n{table}"
        ));
    }
    parts.join("\n\n")
}
