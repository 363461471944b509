//! `drill`: see [`examples::drill`].

use std::process::ExitCode;

use clap::Parser;
use examples::{
    drill::{DrillArguments, drill},
    program,
    service::{ServiceArguments, serve},
};

fn main() -> ExitCode {
    match ServiceArguments::of_hidden_first_argument() {
        Some(arguments) => program::run(serve(arguments)),
        None => program::run(drill(DrillArguments::parse())),
    }
}
