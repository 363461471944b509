//! Stops every monkey over a journal, and lets them go on.

use std::{collections::BTreeSet, env, path::PathBuf, sync::Arc, time::Duration};

use chaos_core::{
    FaultId, Journal,
    clock::{Clock, SystemClock},
    fault::{FaultRecord, FaultState},
    journal::{Found, Halt},
    text::escaped,
};
use clap::Args;

use crate::{
    catalogue::Catalogue,
    journal,
    program::{Interrupt, LogTo, ProgramResult, Status, lines_on_stderr, print, recover_command},
    recover::{Identity, Left, recoverer, say, summary},
};

/// How often it is looked whether the monkeys have let go.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Stops every monkey over a journal: nothing is injected any more, what is held is let go of, and what dead ones have
/// left is recovered
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Exit codes: 0 halted, and nothing is pending; 2 bad arguments; 4 halted, and something is not \
                        back; 5 anything else, and nothing may be halted."
)]
#[non_exhaustive]
pub struct HaltArguments {
    /// The journal
    #[arg(long, value_name = "PATH")]
    journal: PathBuf,
    /// Why, for everybody who asks why nothing happens
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: String,
    #[command(flatten)]
    identity: Identity,
}

/// Withdraws a halt, so that monkeys inject again
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct ResumeArguments {
    /// The journal
    #[arg(long, value_name = "PATH")]
    journal: PathBuf,
}

/// Halts, and returns when every monkey has let go.
///
/// # Errors
/// If the journal cannot be opened, or the halt cannot be written.
pub async fn halt(arguments: HaltArguments, catalogue: &Catalogue) -> ProgramResult {
    LogTo::start(lines_on_stderr());
    let clock = SystemClock::default();
    let journal = Arc::new(journal::open_existing(&arguments.journal).await?);
    // Before anything that may take time.
    match journal.halt().await? {
        Some(halt) => say(&format!("halted already, since {}: {}", halt.since, escaped(&halt.reason))),
        None => {
            let reason = format!("{} ({})", arguments.reason, who());
            journal.set_halt(Some(Halt::new(reason, clock.now()))).await?;
        }
    }
    let mut interrupt = Interrupt::listen()?;
    let work = let_go(&arguments, &journal, &clock, catalogue);
    let (faults, pending) = tokio::select! {
        biased;
        () = interrupt.next() => {
            let again = recover_command(&arguments.journal);
            say(&format!("interrupted: it is halted, but something may be held; continue with: {again}"));
            return Ok(Status::NotRecovered);
        }
        ended = work => ended?,
    };
    let Found { faults: held, unreadable, .. } = pending;
    let is_clean = held.is_empty() && unreadable.is_empty();
    let status = if is_clean { Status::of_recoveries(&faults) } else { Status::NotRecovered };
    let left = Left { held, unreadable, at: clock.now() };
    let what = match (faults.is_empty(), is_clean) {
        (true, true) => "nothing is pending".to_owned(),
        _ => summary(&faults, &left, catalogue),
    };
    print(&format!("halted until `chaos resume`\n\n{what}"))?;
    Ok(status)
}

/// Withdraws a halt.
///
/// # Errors
/// If the journal cannot be opened, or the halt stays.
pub async fn resume(arguments: ResumeArguments) -> ProgramResult {
    let journal = journal::open_existing(&arguments.journal).await?;
    let halt = journal.halt().await?;
    journal.set_halt(None).await?;
    print(&match halt {
        Some(halt) => format!("resumed; it was halted since {}: {}", halt.since, escaped(&halt.reason)),
        None => "it was not halted".to_owned(),
    })?;
    Ok(Status::Done)
}

/// Recovers what dead monkeys have left, until live ones have let go of the rest. Returns what was recovered or tried,
/// and what is pending still.
async fn let_go(
    arguments: &HaltArguments,
    journal: &Arc<chaos_journal::SqlJournal>,
    clock: &SystemClock,
    catalogue: &Catalogue,
) -> Result<(Vec<FaultRecord>, Found), crate::program::ProgramError> {
    let mut tried: Vec<FaultRecord> = Vec::new();
    let mut failed: BTreeSet<FaultId> = BTreeSet::new();
    loop {
        let orphans = journal.orphans(clock.now()).await?;
        if orphans.faults.iter().any(|orphan| !failed.contains(&orphan.id)) {
            let monkey = recoverer(Arc::clone(journal), &arguments.identity, catalogue).await?;
            for fault in monkey.recover_pending().await?.faults {
                if fault.state != FaultState::Recovered {
                    failed.insert(fault.id);
                }
                tried.retain(|known| known.id != fault.id);
                tried.push(fault);
            }
        }
        let mut pending = journal.pending().await?;
        pending.faults.retain(|fault| !failed.contains(&fault.id));
        if pending.faults.is_empty() {
            return Ok((tried, pending));
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

/// The person who gives the order, and the machine.
fn who() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| env::var(name).ok());
    let name = name.unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()));
    format!("{name} at {}", rustix::system::uname().nodename().to_string_lossy())
}
