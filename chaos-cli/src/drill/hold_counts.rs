use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chaos_core::{Observer, observer::Activity};
use jiff::Timestamp;

use crate::clients::{ClientCounts, Counts};

/// Reads the clients' counts when the first fault is injected and whenever a hold ends. Clones share the counts.
#[derive(Clone, Debug)]
pub(super) struct HoldCounts {
    counts: Counts,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    injected: Option<ClientCounts>,
    let_go: Option<ClientCounts>,
}

impl HoldCounts {
    pub(super) fn of(counts: Counts) -> Self {
        Self { counts, seen: Arc::default() }
    }

    /// The counts while faults were held. `None` if none was.
    pub(super) fn seen(&self) -> Option<ClientCounts> {
        let seen = self.lock();
        Some(seen.let_go?.since(seen.injected?))
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for HoldCounts {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        match activity {
            Activity::Injected { .. } => {
                self.lock().injected.get_or_insert_with(|| self.counts.read());
            }
            Activity::HoldEnded { .. } => self.lock().let_go = Some(self.counts.read()),
            _ => {}
        }
    }
}
