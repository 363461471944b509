//! `Microsoft.Network`: network interfaces and network security groups, by requests of this crate. The SDK's crate for
//! it is many times larger than the part that is needed here.

mod document;
mod interface;
mod network;
mod security_group;

pub(crate) use document::LastChange;
pub(crate) use interface::Interface;
pub(crate) use network::Network;
pub(crate) use security_group::{Access, Direction, Rule, SecurityGroup};
