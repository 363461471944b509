//! The program with all subcommands.

use chaos_core::{Error, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    drill::{DrillArguments, drill},
    fleet::{FleetArguments, fleet},
    history::{HistoryArguments, history},
    program::{ProgramResult, Status, print},
    recover::{RecoverArguments, recover},
    service::{ServiceArguments, serve},
};

/// The arguments of `chaos`.
#[derive(Debug, Parser)]
#[command(
    name = "chaos",
    version,
    about = "Breaks one of many interchangeable machines on purpose, and always brings it back",
    disable_help_subcommand = true
)]
#[non_exhaustive]
pub struct ChaosArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Drill(Box<DrillArguments>),
    Fleet(FleetArguments),
    Recover(RecoverArguments),
    History(HistoryArguments),
    /// Prints the completions of this program for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Prints the manual page of this program, or of a subcommand, for `man -l -`
    Man {
        /// The subcommand
        subcommand: Option<String>,
    },
    /// The service that a fleet of this program runs, because there is no other program that it could start.
    #[command(name = crate::service::AS_SERVICE, hide = true)]
    AsService(ServiceArguments),
}

/// Runs the subcommand.
///
/// # Errors
/// Those of the subcommand.
pub async fn chaos(arguments: ChaosArguments) -> ProgramResult {
    match arguments.command {
        Command::Drill(arguments) => drill(*arguments).await,
        Command::Fleet(arguments) => fleet(arguments).await,
        Command::Recover(arguments) => recover(arguments).await,
        Command::History(arguments) => history(arguments).await,
        Command::Completions { shell } => completions(shell),
        Command::Man { subcommand } => manual_page(subcommand.as_deref()),
        Command::AsService(arguments) => serve(arguments).await,
    }
}

fn completions(shell: Shell) -> ProgramResult {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut ChaosArguments::command(), "chaos", &mut text);
    print(String::from_utf8_lossy(&text).trim_end())?;
    Ok(Status::Done)
}

fn manual_page(subcommand: Option<&str>) -> ProgramResult {
    let mut command = ChaosArguments::command();
    command.build();
    let page = match subcommand {
        None => command,
        Some(name) => {
            let names: Vec<_> = command.get_subcommands().filter(|known| !known.is_hide_set()).collect();
            let known = names.iter().find(|known| known.get_name() == name);
            let all = || names.iter().map(|known| known.get_name()).collect::<Vec<_>>().join(", ");
            (*known.ok_or_else(|| Error::invalid("subcommand", name, format!("one of {}", all())))?).clone()
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text).map_err(|error| {
        Error::new(ErrorKind::Other, "the manual page cannot be written").caused_by(error)
    })?;
    print(String::from_utf8_lossy(&text).trim_end())?;
    Ok(Status::Done)
}
