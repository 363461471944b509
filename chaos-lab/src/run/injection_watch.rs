use std::sync::{Arc, Mutex};

use chaos_core::{Observer, TargetId, async_trait, jiff::Timestamp, observer::Activity};
use tokio::sync::watch;

use super::state::locked;

/// Sees how far the injections of one run have come.
#[derive(Clone, Debug)]
pub(crate) struct InjectionWatch {
    seen: Arc<Mutex<Seen>>,
    changed: watch::Sender<()>,
}

/// What was seen of the injections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) injected: Vec<TargetId>,
    /// Targets that were not hit, or not for certain, and why.
    pub(crate) failed: Vec<String>,
}

impl InjectionWatch {
    pub(crate) fn new() -> Self {
        Self { seen: Arc::default(), changed: watch::Sender::new(()) }
    }

    /// Waits until so many injections have ended in one way or another.
    ///
    /// Cancel safe.
    pub(crate) async fn all(&self, count: usize) {
        let mut changed = self.changed.subscribe();
        loop {
            let seen = self.seen();
            if seen.injected.len() + seen.failed.len() >= count || changed.changed().await.is_err() {
                return;
            }
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        locked(&self.seen).clone()
    }
}

#[async_trait]
impl Observer for InjectionWatch {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        {
            let mut seen = locked(&self.seen);
            match activity {
                Activity::Injected { fault, .. } => seen.injected.push(fault.target.clone()),
                Activity::InjectionFailed { fault, failure, .. } => {
                    seen.failed.push(format!("{}: the injection failed: {failure}", fault.target));
                }
                Activity::Skipped { target, reason, .. } => seen.failed.push(format!("{target}: {reason}")),
                _ => return,
            }
        }
        self.changed.send_replace(());
    }
}
