//! The providers against a fake of Azure Resource Manager, with a record of the requests, trouble on request, and
//! scripts that run.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

mod absence;
mod adversity;
mod calls;
mod cloud;
mod contract;
mod crash;
mod discovery;
mod events;
mod fast_clock;
mod following;
mod isolation;
mod late;
mod machines;
mod members;
mod metrics;
mod names;
mod refusals;
mod resource_graph;
mod rewriting;
mod role;
mod scripts;
mod sdk;
mod slow_shell;
mod studio;
mod sweep;
mod trouble;
mod undo;
