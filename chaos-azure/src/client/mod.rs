//! The client of Azure: credentials, retries and errors, and the calls that look things up or give orders.

pub(crate) mod arm;
pub(crate) mod autoscale;
pub(crate) mod azure;
pub(crate) mod compute;
pub(crate) mod connection;
pub(crate) mod credentials;
pub(crate) mod error;
pub(crate) mod metrics;
pub(crate) mod network;
pub(crate) mod permissions;
pub(crate) mod resource_graph;
pub(crate) mod set_machines;
pub(crate) mod starts;
pub(crate) mod within;
