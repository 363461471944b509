use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Counts what has changed in a run, for the thread that writes it down.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    count: Mutex<Count>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Count {
    changes: u64,
    /// Whether the thread waits for the next one. A wake-up for each change would cost more than a short activity.
    is_awaited: bool,
    is_over: bool,
}

impl Changes {
    pub(crate) fn one_more(&self) {
        let mut count = self.count();
        count.changes += 1;
        if count.is_awaited {
            self.changed.notify_all();
        }
    }

    /// Nothing changes any more.
    pub(crate) fn are_over(&self) {
        self.count().is_over = true;
        self.changed.notify_all();
    }

    /// How many there are, or nothing when the run is over.
    pub(crate) fn so_far(&self) -> Option<u64> {
        let count = self.count();
        (!count.is_over).then_some(count.changes)
    }

    /// Blocks for `pace`, or until the run is over.
    pub(crate) fn pause(&self, pace: Duration) {
        drop(self.changed.wait_timeout_while(self.count(), pace, |count| !count.is_over));
    }

    /// Blocks until something has changed since there were `seen` changes, or the run is over.
    pub(crate) fn wait(&self, seen: u64) {
        let mut count = self.count();
        count.is_awaited = true;
        let count = self.changed.wait_while(count, |count| !count.is_over && count.changes == seen);
        count.unwrap_or_else(PoisonError::into_inner).is_awaited = false;
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
