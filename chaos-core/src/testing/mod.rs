//! For tests and examples: a world in memory, a clock that a test drives, entropy that it can predict.
//!
//! [`MemoryProvider`] has groups of machines that need nothing; [`PowerOff`] is an event for them and [`PowerOn`] its
//! recovery. Over a [`ManualClock`] an hour of hold costs no time, and with [`CountingEntropy`] every id is known.
//! [`sample`] has reports and plans for the tests of a reporter. The feature `mock` adds a mock of each trait. What is
//! promised beyond the types is checked by `chaos-testkit`.

mod counting_entropy;
mod machine;
mod manual_clock;
mod memory_provider;
#[cfg(feature = "mock")]
pub mod mock;
mod power_off;
pub mod sample;

pub use counting_entropy::CountingEntropy;
pub use manual_clock::ManualClock;
pub use memory_provider::MemoryProvider;
pub use power_off::{PowerOff, PowerOn};
