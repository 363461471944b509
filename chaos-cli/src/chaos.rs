//! The program with all subcommands.

use std::ffi::OsString;

use chaos_core::{Error, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    catalogue::Catalogue,
    drill::{DrillArguments, drill},
    fleet::{FleetArguments, fleet},
    halt::{HaltArguments, ResumeArguments, halt, resume},
    history::{HistoryArguments, history},
    program::{ProgramResult, Status, print},
    recover::{RecoverArguments, recover},
    service::{ServiceArguments, serve},
};

/// The arguments of `chaos`.
#[derive(Debug)]
#[non_exhaustive]
pub struct ChaosArguments {
    command: Command,
}

/// The arguments that do not depend on the catalogue.
#[derive(Debug, Parser)]
#[command(
    name = "chaos",
    version,
    about = "Breaks one of many interchangeable machines on purpose, and always brings it back",
    disable_help_subcommand = true
)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Drill(Box<DrillArguments>),
    #[cfg(feature = "lab")]
    Run(Box<crate::run::RunArguments>),
    Fleet(FleetArguments),
    Recover(RecoverArguments),
    Halt(HaltArguments),
    Resume(ResumeArguments),
    History(HistoryArguments),
    #[cfg(feature = "service")]
    Monkey(crate::monkey::MonkeyArguments),
    #[cfg(feature = "service")]
    Diagnose(crate::monkey::DiagnoseArguments),
    #[cfg(feature = "service")]
    Holidays(crate::holidays::HolidaysArguments),
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

impl ChaosArguments {
    /// The command line with all its arguments and their help.
    pub fn command(catalogue: &Catalogue) -> clap::Command {
        Line::command().mut_subcommands(|subcommand| match subcommand.get_name() {
            "drill" => DrillArguments::of(subcommand, catalogue),
            _ => subcommand,
        })
    }

    /// Reads the arguments of this process. If they ask for help or make no sense, prints that and exits.
    pub fn parse(catalogue: &Catalogue) -> Self {
        Self::try_parse_from(catalogue, std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Reads `words`, of which the first is the name of the program.
    ///
    /// # Errors
    /// For arguments that make no sense, and if help was asked for, which is the text of the error.
    pub fn try_parse_from(
        catalogue: &Catalogue,
        words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let mut command = Self::command(catalogue);
        let matches = command.try_get_matches_from_mut(words)?;
        let Line { command } =
            Line::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        Ok(Self { command })
    }
}

/// Does what the subcommand says, with the events of `catalogue`.
///
/// # Errors
/// Those of the subcommand.
pub async fn chaos(arguments: ChaosArguments, catalogue: &Catalogue) -> ProgramResult {
    match arguments.command {
        Command::Drill(arguments) => drill(*arguments, catalogue).await,
        #[cfg(feature = "lab")]
        Command::Run(arguments) => crate::run::run(*arguments, catalogue).await,
        Command::Fleet(arguments) => fleet(arguments).await,
        Command::Recover(arguments) => recover(arguments, catalogue).await,
        Command::Halt(arguments) => halt(arguments, catalogue).await,
        Command::Resume(arguments) => resume(arguments).await,
        Command::History(arguments) => history(arguments, catalogue).await,
        #[cfg(feature = "service")]
        Command::Monkey(arguments) => crate::monkey::monkey(arguments, catalogue).await,
        #[cfg(feature = "service")]
        Command::Diagnose(arguments) => crate::monkey::diagnose(arguments, catalogue).await,
        #[cfg(feature = "service")]
        Command::Holidays(arguments) => crate::holidays::holidays(&arguments),
        Command::Completions { shell } => completions(shell, catalogue),
        Command::Man { subcommand } => manual_page(subcommand.as_deref(), catalogue),
        Command::AsService(arguments) => serve(arguments).await,
    }
}

fn completions(shell: Shell, catalogue: &Catalogue) -> ProgramResult {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut ChaosArguments::command(catalogue), "chaos", &mut text);
    print(String::from_utf8_lossy(&text).trim_end())?;
    Ok(Status::Done)
}

fn manual_page(subcommand: Option<&str>, catalogue: &Catalogue) -> ProgramResult {
    let mut command = ChaosArguments::command(catalogue);
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
