//! The common parts of all programs: arguments, log, errors, exit codes, interrupts.

mod by_hand;
mod clock_time;
mod error;
mod interrupt;
mod log;
mod output;
mod program;
mod recover_command;
mod remarks;
mod status;
mod terminal;
mod unanswered;

pub use by_hand::by_hand;
pub use clock_time::clock_time;
pub use error::ProgramError;
#[cfg(feature = "service")]
pub(crate) use error::complain;
#[cfg(any(feature = "lab", feature = "service"))]
pub(crate) use interrupt::listen_for;
pub use interrupt::{Interrupt, is_ignored};
pub use log::{LogTo, observe_if_asked};
pub use output::{escaped_lines, print, print_json};
pub use program::run;
pub use recover_command::{quoted, recover_command};
pub use remarks::remarks;
pub use status::{ProgramResult, Status, is_unrecorded, state_text, unreadable_table};
pub use terminal::lines_on_stderr;
pub use unanswered::why_unanswered;
