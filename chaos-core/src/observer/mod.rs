//! Observers, which are told about every activity.
//!
//! An [`Observer`] is told about each [`Activity`]. Before an injection, it is asked about the [`Intended`] injection,
//! which it may announce or forbid. [`TracingObserver`] writes everything to the log, and a [`channel`] makes a stream
//! of it.

mod activity;
mod activity_text;
mod channel;
mod intended;
mod observer;
mod observers;

pub use activity::Activity;
pub use channel::{Activities, ChannelObserver, Told, channel};
pub use intended::{Chosen, Intended};
pub use observer::{Observer, TracingObserver};
pub(crate) use observers::Observers;
