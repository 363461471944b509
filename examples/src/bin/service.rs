//! `service`: see [`examples::service`].

use std::process::ExitCode;

use clap::Parser;
use examples::{
    program,
    service::{ServiceArguments, serve},
};

fn main() -> ExitCode {
    program::run(serve(ServiceArguments::parse()))
}
