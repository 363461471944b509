use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{Error, Failure};

/// What the looks at one fault have seen so far, by the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// When the latest look began that saw the fault in effect.
    in_effect: Option<Duration>,
    /// Whether the latest look after that saw it over.
    is_over: bool,
    /// How long the slowest look took.
    slowest: Duration,
    /// Whether a look saw anything, one way or the other.
    is_conclusive: bool,
    /// What kept the latest look that failed from seeing anything.
    failure: Option<Failure>,
}

impl Looks {
    /// A look that began at `began` saw the fault in effect.
    pub(super) fn saw_it_in_effect(&self, began: Duration) {
        let mut seen = self.seen();
        seen.in_effect = seen.in_effect.max(Some(began));
        seen.is_over = false;
        seen.is_conclusive = true;
    }

    /// A look saw the fault over, or not yet in effect.
    pub(super) fn saw_it_over(&self) {
        let mut seen = self.seen();
        seen.is_over = seen.in_effect.is_some();
        seen.is_conclusive = true;
    }

    /// A look failed.
    pub(super) fn failed(&self, error: &Error) {
        self.seen().failure = Some(error.into());
    }

    /// Why no look has seen the fault in effect.
    pub(super) fn why_unseen(&self) -> String {
        match &*self.seen() {
            Seen { is_conclusive: false, failure: Some(failure), .. } => {
                format!("no look at it has succeeded while it was held: {}", failure.message)
            }
            _ => "no look has seen the fault in effect".to_owned(),
        }
    }

    /// A look took so long.
    pub(super) fn took(&self, duration: Duration) {
        let mut seen = self.seen();
        seen.slowest = seen.slowest.max(duration);
    }

    /// When a look saw the fault in effect last.
    pub(super) fn last_in_effect(&self) -> Option<Duration> {
        self.seen().in_effect
    }

    /// Whether the fault was seen in effect, and over by the latest look that saw anything.
    pub(super) fn saw_its_end(&self) -> bool {
        self.seen().is_over
    }

    /// How long the slowest look took.
    pub(super) fn slowest(&self) -> Duration {
        self.seen().slowest
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
