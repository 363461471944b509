//! `fleet`: see [`examples::fleet`].

use std::process::ExitCode;

use clap::Parser;
use examples::{
    fleet::{FleetArguments, fleet},
    program,
    service::{ServiceArguments, serve},
};

fn main() -> ExitCode {
    match ServiceArguments::of_hidden_first_argument() {
        Some(arguments) => program::run(serve(arguments)),
        None => program::run(fleet(FleetArguments::parse())),
    }
}
