//! The fake of Azure Resource Manager, asked over the wire.

#[path = "azure/access.rs"]
mod access;
#[path = "azure/client.rs"]
mod client;
#[path = "azure/experiments.rs"]
mod experiments;
#[path = "azure/listings.rs"]
mod listings;
#[path = "azure/network.rs"]
mod network;
#[path = "azure/power.rs"]
mod power;
#[path = "azure/process.rs"]
mod process;
#[path = "azure/recorded.rs"]
mod recorded;
#[path = "azure/scale_sets.rs"]
mod scale_sets;
#[path = "azure/scripts.rs"]
mod scripts;
#[path = "azure/sdk.rs"]
mod sdk;
#[path = "azure/trouble.rs"]
mod trouble;
