//! The fake of Azure Resource Manager, asked over the wire: by hand, and by Microsoft's SDK.

mod access;
mod client;
mod experiments;
mod listings;
mod network;
mod power;
mod process;
mod recorded;
mod scale_sets;
mod scripts;
mod sdk;
mod trouble;
