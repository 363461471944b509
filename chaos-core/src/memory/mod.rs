//! A world in memory: a provider, an event and a recovery that need nothing, so that every example runs.

mod machine;
mod power_off;
mod provider;

pub use power_off::{PowerOff, PowerOn};
pub use provider::MemoryProvider;
