//! One drill: break, watch it heal, report.

mod announced;
mod arguments;
mod crash;
mod drill;
mod echo;
mod event;
mod given;
mod hold_counts;
mod live;
mod notify;
mod order;
mod parameters;
mod phases;
mod plan_table;
mod provider;
mod question;
mod report;
mod stage;
mod steadiness;
mod steady_state;
mod summary;

pub use arguments::DrillArguments;
pub use drill::drill;
