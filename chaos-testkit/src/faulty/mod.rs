//! Wrappers that break a part at a stated call: slow, failing, half-done, panicking, crashing.
//!
//! They are deterministic: each breaks the given calls, the given number of times, and draws nothing. Each implements
//! the trait of the part that it wraps, so you can use it wherever you use the sound part.
//!
//! | wrapper | the call | the caller gets |
//! |---|---|---|
//! | [`Slow`] | is made after a delay | the result |
//! | [`Failing`] | is not made | an error |
//! | [`HalfDone`] | is made | an error |
//! | [`Panicking`] | is not made | a panic |
//! | `CrashAt` (Unix) | is made or not | nothing: the process is dead, or stopped until somebody continues it |
//!
//! [`FaultyProbe`] breaks the looks of a probe in any of these ways, and some of its own.
//!
//! [`Altered`] breaks nothing: it changes how the groups and targets of a provider look.

mod altered;
mod call;
#[cfg(unix)]
mod crash_at;
mod event;
mod failing;
mod half_done;
mod interference;
mod journal;
mod panicking;
mod probe;
mod provider;
mod slow;
mod target;
mod times;

pub use altered::Altered;
pub use call::{Call, EventCall, JournalCall, ProviderCall, TargetCall};
#[cfg(unix)]
pub use crash_at::{CrashAt, When};
pub use failing::Failing;
pub use half_done::{CutOff, HalfDone};
pub use interference::{Faulty, Interference};
pub use panicking::Panicking;
pub use probe::FaultyProbe;
pub use slow::Slow;
pub use times::Times;
