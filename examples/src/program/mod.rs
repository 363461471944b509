//! What every program here does the same way: arguments, log, errors, exit codes, interrupts.

mod interrupt;
mod log;
mod output;
mod program;
mod recover_command;
mod remarks;
mod status;
mod terminal;

pub use interrupt::Interrupt;
pub use log::{LogTo, observe_if_asked};
pub use output::{escaped_lines, print, print_json};
pub use program::{ProgramError, ProgramResult, run};
pub use recover_command::{quoted, recover_command};
pub use remarks::remarks;
pub use status::{Status, is_unrecorded, state_text, unreadable_table};
pub use terminal::lines_on_stderr;
