//! `recover`: see [`examples::recover`].

use std::process::ExitCode;

use clap::Parser;
use examples::{
    program,
    recover::{RecoverArguments, recover},
};

fn main() -> ExitCode {
    program::run(recover(RecoverArguments::parse()))
}
