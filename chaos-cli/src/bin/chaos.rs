//! `chaos`: see [`chaos_cli::chaos`].

use std::process::ExitCode;

use chaos_cli::{
    catalogue::catalogue,
    chaos::{ChaosArguments, chaos},
    program,
};

fn main() -> ExitCode {
    let catalogue = catalogue();
    program::run(chaos(ChaosArguments::parse(&catalogue), &catalogue))
}
