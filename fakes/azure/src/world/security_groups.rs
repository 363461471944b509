//! The sources of the network security groups of machines.

use serde::{Deserialize, Serialize};

/// The source of the network security groups of a set's machines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecurityGroups {
    /// Neither their interfaces nor their subnet have one.
    None,
    /// Each interface has one of its own, `NAME-nsg`.
    #[default]
    PerMachine,
    /// All interfaces of the set share one, `SET-nsg`.
    Shared,
    /// The interfaces have none, but their subnet has `SET-nsg`.
    Subnet,
}
