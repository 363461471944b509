//! `history`: see [`examples::history`].

use std::process::ExitCode;

use clap::Parser;
use examples::{
    history::{HistoryArguments, history},
    program,
};

fn main() -> ExitCode {
    program::run(history(HistoryArguments::parse()))
}
