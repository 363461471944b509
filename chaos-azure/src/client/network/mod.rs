//! `Microsoft.Network`: network interfaces and network security groups, by requests of this crate's own. The SDK's
//! crate for it is many times as large as all that is used of it here.

mod document;
mod interface;
mod network;
mod security_group;

pub(crate) use interface::Interface;
pub(crate) use network::Network;
pub(crate) use security_group::{Access, Direction, Rule, SecurityGroup};
