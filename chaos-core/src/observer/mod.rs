//! Observers: who is told what happens.

mod activity;
mod observer;

pub use activity::{Activity, CutShort};
pub(crate) use observer::Observers;
pub use observer::{Observer, TracingObserver};
