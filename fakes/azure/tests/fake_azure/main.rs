//! The fake of Azure Resource Manager, asked over the wire: by hand, and by Microsoft's SDK.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

mod access;
mod client;
mod experiments;
mod listings;
mod network;
mod power;
mod process;
mod recorded;
mod resource_graph;
mod scale_sets;
mod scripts;
mod sdk;
mod trouble;
