//! A fleet that stays up until it is stopped.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use chaos_core::{ErrorKind, Provider, text::escaped};
use chaos_local::{Fleet, HealthCheck};
use clap::Parser;

use crate::{
    journal,
    program::{Interrupt, LogTo, ProgramError, ProgramResult, Status, lines_on_stderr, print, quoted},
    service,
    table::Table,
};

/// The arguments of `fleet`.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "fleet",
    version,
    about = "Keeps a fleet of replicas up until Ctrl-C, for `drill --attach DIR`",
    after_help = "Without a command, the replicas are a small HTTP service. In a command's arguments, {index} and \
        {port} stand for the replica's own."
)]
#[non_exhaustive]
pub struct FleetArguments {
    /// The directory by which other processes find the fleet; created if it does not exist
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// The number of replicas
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    replicas: usize,
    /// The first port; free ports by default
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    base_port: Option<u16>,
    /// When a replica of a command is healthy: alive, tcp (its port accepts a connection), or the path that it answers
    /// with 2xx
    #[arg(long, value_name = "CHECK", value_parser = health, requires = "command")]
    health: Option<HealthCheck>,
    /// The command that each replica runs
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

fn health(text: &str) -> Result<HealthCheck, String> {
    match text {
        "alive" => Ok(HealthCheck::alive()),
        "tcp" => Ok(HealthCheck::tcp()),
        path if path.starts_with('/') => Ok(HealthCheck::http(path)),
        _ => Err("expected alive, tcp, or a path such as /health".to_owned()),
    }
}

/// Starts a fleet, waits for Ctrl-C or SIGTERM, and ends it.
///
/// # Errors
/// If the fleet cannot be started or ended.
pub async fn fleet(arguments: FleetArguments) -> ProgramResult {
    LogTo::start(lines_on_stderr());
    let mut interrupt = Interrupt::listen()?;
    let builder = match arguments.command.split_first() {
        None => service::fleet_of_services()?,
        Some((program, rest)) => {
            Fleet::of(program).args(rest).health(arguments.health.unwrap_or_else(HealthCheck::alive))
        }
    };
    let builder = builder.replicas(arguments.replicas).state_directory(&arguments.state);
    let builder = match arguments.base_port {
        Some(port) => builder.ports_from(port),
        None => builder,
    };
    let fleet = tokio::select! {
        biased;
        () = interrupt.next() => return Ok(Status::Other),
        fleet = builder.start() => fleet.map_err(|error| {
            let is_held = error.kind() == ErrorKind::Conflict;
            let error = ProgramError::from(error);
            if is_held { error.hint("`drill --attach DIR` uses the running one") } else { error }
        })?,
    };
    let mut table = Table::with_headings(["replica", "address", "process"]);
    let group = fleet.group(fleet.id()).await?;
    for (member, address) in group.members.iter().zip(fleet.endpoints()) {
        let process = member.incarnation.as_deref().and_then(|process| process.split('.').next());
        table.row([
            member.target.id().name().to_owned(),
            address.to_string(),
            process.unwrap_or("-").to_owned(),
        ]);
    }
    print(&format!(
        "{table}\n\n{} is up until Ctrl-C\njournal of its drills: {}\nbreak it with: cargo drill --attach {}",
        escaped(fleet.id().as_str()),
        escaped(&journal::of_fleet(Path::new(fleet.id().path())).display().to_string()),
        quoted(&arguments.state)
    ))?;
    interrupt.next().await;
    tokio::select! {
        biased;
        stopped = fleet.stop() => stopped?,
        // Dropping it does not wait.
        () = interrupt.next() => {}
    }
    Ok(Status::Done)
}
