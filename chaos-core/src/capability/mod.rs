//! The operations of a provider on a target, as small optional traits.
//!
//! A target's [`Capabilities`] hold those that it offers: [`Lifecycle`] to stop, start, reboot and terminate it,
//! [`Shell`] to run a [`Script`] on it (an [`Envelope`] takes one through an agent), [`Settings`] to change how its
//! platform treats it, and [`Engine`](crate::engine::Engine) to let an engine act. An event states what it requires as
//! a [`CapabilitySet`], and never learns which provider it is given. Every call that changes a target takes a
//! [`Permit`](crate::fault::Permit).

mod capabilities;
mod envelope;
mod extensions;
mod lifecycle;
mod network_share;
mod remains;
mod set;
mod setting_set;
mod settings;
mod shell;
mod undo;

pub use capabilities::Capabilities;
pub use envelope::{Enclosed, Envelope, quoted};
pub use lifecycle::Lifecycle;
pub use network_share::NetworkShare;
pub use remains::{Remains, Remnant};
pub use set::{Capability, CapabilitySet};
pub use setting_set::{Setting, SettingSet};
pub use settings::{Change, Settings, SettingsSnapshot, Standing};
pub use shell::{Output, Script, Shell};
pub use undo::Undo;
