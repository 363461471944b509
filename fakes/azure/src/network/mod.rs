//! `Microsoft.Network`: interfaces, security groups and their rules, subnets, and what traffic they let through.

mod interface;
pub(super) mod interfaces;
mod security_group;
pub(super) mod security_groups;
mod subnet;
pub(super) mod subnets;
mod traffic;

pub(super) use interface::Interface;
pub(super) use security_group::{Rule, SecurityGroup};
pub(super) use subnet::Subnet;
pub use traffic::Direction;
