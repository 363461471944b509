//! One drill: break, watch it heal, report.

mod announced;
mod arguments;
mod crash;
mod drill;
mod echo;
mod event;
mod hold_counts;
mod live;
mod order;
mod phases;
mod question;
mod report;
mod stage;
mod summary;

pub use arguments::DrillArguments;
pub use drill::drill;
