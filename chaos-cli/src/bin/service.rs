//! `service`: see [`chaos_cli::service`].

use std::process::ExitCode;

use chaos_cli::{
    program,
    service::{ServiceArguments, serve},
};
use clap::Parser;

fn main() -> ExitCode {
    program::run(serve(ServiceArguments::parse()))
}
