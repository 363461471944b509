//! `Microsoft.Compute`: sets, machines, operations on them, and scripts.
//!
//! Nothing outside this module knows `azure_mgmt_compute`, which makes the requests and reads the answers: that crate
//! belongs to the legacy line of the SDK, and can be replaced by changing this module alone. It uses neither the HTTP
//! client nor the retries nor the pollers of its core: requests go through [`Arm`](crate::client::arm::Arm), which
//! knows what may be sent twice. It never gets the token: at the level `debug` its core logs the value of
//! `Authorization`, and redacts the other headers.

mod adapter;
mod compute;
mod order;
mod read;
mod sets;

pub(crate) use compute::Compute;
pub(crate) use order::Order;
pub(crate) use sets::{AvailabilitySet, Entry, Listed, Orchestration, ScaleSet};
