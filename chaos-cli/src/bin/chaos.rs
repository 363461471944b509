//! `chaos`: see [`chaos_cli::chaos`].

use std::process::ExitCode;

use chaos_cli::{
    chaos::{ChaosArguments, chaos},
    program,
};
use clap::Parser;

fn main() -> ExitCode {
    program::run(chaos(ChaosArguments::parse()))
}
