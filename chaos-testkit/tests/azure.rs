//! The fake of Azure Resource Manager, asked over the wire.

#[path = "azure/client.rs"]
mod client;
#[path = "azure/listings.rs"]
mod listings;
#[path = "azure/power.rs"]
mod power;
#[path = "azure/sdk.rs"]
mod sdk;
