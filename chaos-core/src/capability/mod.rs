//! What a provider can do to a target, as small optional traits.
//!
//! A target's [`Capabilities`] hold those that it offers: [`Lifecycle`] to stop, start, reboot and terminate it,
//! [`Shell`] to run a [`Script`] on it, [`Isolation`] to cut it off, and
//! [`Experiments`](crate::engine::Experiments) to let an engine act. An event states what it requires as a
//! [`CapabilitySet`], and never learns which provider it is given. Every call that changes a target takes a
//! [`Permit`](crate::fault::Permit).

mod capabilities;
mod extensions;
mod isolation;
mod lifecycle;
mod network_share;
mod set;
mod shell;
mod undo;

pub use capabilities::Capabilities;
pub use isolation::{Isolation, IsolationSnapshot};
pub use lifecycle::Lifecycle;
pub use network_share::NetworkShare;
pub use set::{Capability, CapabilitySet};
pub use shell::{Output, Script, Shell};
pub use undo::Undo;
