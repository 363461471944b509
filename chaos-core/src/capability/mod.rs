//! What a provider can do to a target, as small optional traits.

mod capabilities;
mod isolation;
mod lifecycle;
mod network_share;
mod set;
mod shell;

pub use capabilities::Capabilities;
pub use isolation::{Isolation, IsolationSnapshot};
pub use lifecycle::Lifecycle;
pub use network_share::NetworkShare;
pub use set::{Capability, CapabilitySet};
pub use shell::{Output, Script, Shell};
