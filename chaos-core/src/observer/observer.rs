use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use jiff::Timestamp;

use super::Activity;

/// Receives every [`Activity`], as it happens and in order for each fault.
///
/// It is called from the task that takes care of the fault: it must return at once and hand slow work to somebody else. A
/// panic in it is contained and does not keep a target from being recovered.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// `activity` happened at `at`.
    fn observe(&self, at: Timestamp, activity: &Activity);
}

/// Tells `tracing`: the default observer. Doubts and retries are warnings. A recovery that failed and a journal that fails
/// under a fault are events at error level, whichever observers there are.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TracingObserver;

impl Observer for TracingObserver {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        match activity {
            // Told whoever observes: see `Observers::tell`.
            Activity::RecoveryFailed { .. } | Activity::JournalFailed { .. } => {}
            Activity::InjectionFailed { fault, failure } => {
                tracing::warn!(%fault, %failure, "the injection failed; recovering all the same");
            }
            Activity::RecoveryRetried { fault, attempt, failure, wait } => {
                tracing::warn!(%fault, attempt, %failure, ?wait, "the target is not back yet; trying again");
            }
            Activity::Skipped { target, reason } => tracing::warn!(%target, %reason, "skipped"),
            Activity::RunFailed { failure } => tracing::error!(%failure, "the run could not be made"),
            Activity::Halted { reason } => tracing::warn!(%reason, "halted"),
            other => tracing::info!("{other}"),
        }
    }
}

/// Every observer of a monkey.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observers(Arc<[Arc<dyn Observer>]>);

impl Observers {
    pub(crate) fn new(observers: Vec<Arc<dyn Observer>>) -> Self {
        Self(observers.into())
    }

    pub(crate) fn tell(&self, at: Timestamp, activity: Activity) {
        // Whatever panics in here, `tracing` subscribers included, must not end the task that recovers a target.
        let _ = catch_unwind(AssertUnwindSafe(|| match &activity {
            Activity::RecoveryFailed { fault, target, failure } => {
                tracing::error!(%fault, %target, %failure, "RECOVERY FAILED: the target is not back");
            }
            Activity::JournalFailed { fault, failure } => {
                tracing::error!(%fault, %failure, "the journal failed while a fault was under way");
            }
            _ => {}
        }));
        for observer in self.0.iter() {
            if catch_unwind(AssertUnwindSafe(|| observer.observe(at, &activity))).is_err() {
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    tracing::error!(?observer, ?activity, "an observer panicked");
                }));
            }
        }
    }
}
