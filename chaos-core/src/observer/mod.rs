//! Observers: who is told what happens.

mod activity;
mod intended;
mod observer;
mod observers;

pub use activity::{Activity, CutShort};
pub use intended::{Chosen, Intended};
pub use observer::{Observer, TracingObserver};
pub(crate) use observers::Observers;
