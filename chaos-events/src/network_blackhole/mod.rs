//! Network blackhole: traffic of a target is dropped for a while.

mod allowed;
mod from_outside;
mod host;
mod network_blackhole;
mod own_sockets;
mod ports;
mod restore_traffic;
mod rules;
mod script;
mod spec;
mod traffic;

pub use allowed::Allowed;
pub use from_outside::BlackholeFromOutside;
pub use network_blackhole::NetworkBlackhole;
pub use ports::Protocol;
pub use restore_traffic::RestoreTraffic;
pub(crate) use spec::both_ways;
pub use traffic::Direction;
