//! For tests and examples: an in-memory provider, a manual clock, predictable entropy.
//!
//! [`MemoryProvider`] has groups of in-memory machines. [`PowerOff`] is an event for them, and [`PowerOn`] its
//! recovery. With a [`ManualClock`], an hour of hold takes no time, and with [`CountingEntropy`] every id is known.
//! [`sample`] has reports and plans for the tests of a reporter. The feature `mock` adds a mock of each trait.
//! `chaos-testkit` checks the promises of a trait beyond its types.

mod counting_entropy;
mod machine;
mod manual_clock;
mod memory_provider;
#[cfg(feature = "mock")]
pub mod mock;
mod power_off;
pub mod sample;
mod steady_sample;

pub use counting_entropy::CountingEntropy;
pub use manual_clock::ManualClock;
pub use memory_provider::MemoryProvider;
pub use power_off::{PowerOff, PowerOn};
