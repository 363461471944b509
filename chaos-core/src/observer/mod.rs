//! Observers: who is told what happens.
//!
//! An [`Observer`] is told each [`Activity`], and asked before an injection about what is [`Intended`], which it may
//! announce or forbid. [`TracingObserver`] writes everything to the log, and a [`channel`] makes a stream of it.

mod activity;
mod channel;
mod intended;
mod observer;
mod observers;

pub use activity::Activity;
pub use channel::{Activities, ChannelObserver, Told, channel};
pub use intended::{Chosen, Intended};
pub use observer::{Observer, TracingObserver};
pub(crate) use observers::Observers;
