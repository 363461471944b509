use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;

use crate::{
    error::{Error, Failure, Result},
    event::FaultScope,
    recovery::Verdict,
};

/// The results of the looks at one fault so far, by the monotonic clock.
#[derive(Default)]
pub(super) struct Looks {
    seen: Mutex<Seen>,
    under_way: Mutex<Option<UnderWay>>,
}

/// A look that outlasted its caller, and when it began.
type UnderWay = (BoxFuture<'static, Result<Verdict>>, Duration);

#[derive(Debug, Default)]
struct Seen {
    /// When the latest look that saw the fault in effect began.
    in_effect: Option<Duration>,
    /// When the first later look that saw it over began, if the latest look saw it over.
    over: Option<Duration>,
    /// Whether no look during the hold has seen the fault in effect, up to the latest look that saw anything.
    is_missed: bool,
    /// How long the slowest look took.
    slowest: Duration,
    /// Whether a look saw anything, one way or the other.
    is_conclusive: bool,
    /// The error of the latest failed look, and whether no look has succeeded since.
    failure: Option<Failure>,
    is_blind: bool,
}

impl Looks {
    /// A look that began at `began` saw the fault in effect or, after the hold, saw that a part of it is left. That
    /// proves nothing about a hold during which no look saw the fault in effect as requested.
    pub(super) fn saw_it_in_effect(&self, began: Duration, is_held: bool) {
        let mut seen = self.seen();
        seen.is_conclusive = true;
        seen.is_blind = false;
        if is_held {
            seen.is_missed = false;
        } else if seen.is_missed {
            return;
        }
        seen.in_effect = seen.in_effect.max(Some(began));
        seen.over = None;
    }

    /// A look saw the fault over, or not yet in effect.
    pub(super) fn saw_it_over(&self, began: Duration, is_held: bool) {
        let mut seen = self.seen();
        if seen.in_effect.is_some() {
            seen.over.get_or_insert(began);
        } else if is_held {
            seen.is_missed = true;
        }
        seen.is_conclusive = true;
        seen.is_blind = false;
    }

    /// A look failed.
    pub(super) fn failed(&self, error: &Error) {
        let mut seen = self.seen();
        seen.failure = Some(error.into());
        seen.is_blind = true;
    }

    /// Adds a note if no look succeeded at the end of the hold.
    pub(super) fn tell_failures(&self, scope: &FaultScope) {
        let seen = self.seen();
        if let Some(failure) = seen.failure.as_ref().filter(|_| seen.is_blind) {
            scope.note(format!("the last look at it during the hold failed: {}", failure.message));
        }
    }

    /// Why no look has seen the fault in effect.
    pub(super) fn why_unseen(&self) -> String {
        match &*self.seen() {
            Seen { is_conclusive: false, failure: Some(failure), .. } => {
                format!("every look at it during the hold failed: {}", failure.message)
            }
            _ => "no look has seen the fault in effect".to_owned(),
        }
    }

    /// Records how long a look took.
    pub(super) fn took(&self, duration: Duration) {
        let mut seen = self.seen();
        seen.slowest = seen.slowest.max(duration);
    }

    /// When a look last saw the fault in effect.
    pub(super) fn last_in_effect(&self) -> Option<Duration> {
        self.seen().in_effect
    }

    /// Whether the fault was seen in effect, and then over by the latest look that saw anything.
    pub(super) fn saw_its_end(&self) -> bool {
        self.seen().over.is_some()
    }

    /// When a look last saw it in effect, and when a later one first saw it over.
    pub(super) fn when_it_ended(&self) -> Option<(Duration, Duration)> {
        let seen = self.seen();
        seen.in_effect.zip(seen.over)
    }

    /// How long the slowest look took.
    pub(super) fn slowest(&self) -> Duration {
        self.seen().slowest
    }

    pub(super) fn keep_under_way(&self, looking: BoxFuture<'static, Result<Verdict>>, began: Duration) {
        *self.under_way() = Some((looking, began));
    }

    pub(super) fn take_the_one_under_way(&self) -> Option<UnderWay> {
        self.under_way().take()
    }

    pub(super) fn forget_the_one_under_way(&self) {
        drop(self.take_the_one_under_way());
    }

    fn under_way(&self) -> MutexGuard<'_, Option<UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seen().fmt(f)
    }
}
