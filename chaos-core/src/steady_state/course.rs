use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    SteadyState, during,
    notes::{Notes, Unsteady},
};
use crate::{clock::Clock, listing::Together, monkey::RunId, observer::Observers, plan::Reason};

/// What is told of a watch that hangs.
pub(super) const SILENT: &str = "the watch of the steady state gives no sign of life";

/// The steady state over the course of one run. Its watch ends when the last clone of its [`Arc`] is dropped: those of
/// the run, and those of the tasks that take care of its faults.
#[derive(Debug)]
pub(crate) struct Course {
    pub(super) notes: Arc<Notes>,
    /// The shared looks of victims of one moment; whether a fault is in effect.
    gates: Together<bool, Result<(), Reason>>,
}

impl Course {
    /// The course of a run that begins now. Its watch is ready before anything is injected.
    pub(crate) fn begin(
        steady: &SteadyState,
        clock: &Arc<dyn Clock>,
        observers: &Observers,
        run: RunId,
        seed: u64,
    ) -> Arc<Self> {
        let notes = Arc::new(Notes::begin(steady, clock, observers, run, seed));
        during::watch(&notes);
        Arc::new(Self { notes, gates: Together::new(Arc::clone(clock)) })
    }

    /// Whether the system is steady before the plan.
    pub(crate) async fn before_plan(&self) -> Result<(), Reason> {
        let notes = &self.notes;
        notes.gate(notes.steady.baseline, false).await
    }

    /// Whether the system is steady now, before an injection. What only holds outside of a fault is not asked while
    /// another fault of the run is in effect.
    pub(crate) async fn before_injection(&self) -> Result<(), Reason> {
        if let Some(unsteady) = self.unsteady() {
            return Err(unsteady.reason.clone());
        }
        let is_under_fault = *self.notes.in_effect.borrow() > 0;
        let notes = Arc::clone(&self.notes);
        let asking = || async move { Ok(notes.gate(Duration::ZERO, is_under_fault).await) };
        self.gates.ask(is_under_fault, asking).await.unwrap_or_else(|error| Err(Reason::doubt(error)))
    }

    /// A fault may be in effect from now on, until the answer is dropped.
    pub(crate) fn enter_effect(&self) -> InEffect {
        let notes = Arc::clone(&self.notes);
        notes.enter_effect();
        InEffect { notes, full_until: None, is_over: false }
    }

    /// Why the run is to be cut short, if it is.
    pub(crate) fn unsteady(&self) -> Option<Arc<Unsteady>> {
        self.notes.cut.borrow().clone()
    }

    /// Waits until the system is not steady, or nobody watches it any more.
    pub(crate) async fn wait_until_unsteady(&self) -> Arc<Unsteady> {
        let mut cut = self.notes.cut.subscribe();
        tokio::select! {
            biased;
            Ok(unsteady) = cut.wait_for(Option::is_some) => {
                if let Some(unsteady) = unsteady.as_ref() {
                    return Arc::clone(unsteady);
                }
            }
            () = self.notes.until_silent() => {}
        }
        let lost = self.notes.doubt_of_watch(SILENT);
        self.notes.cut(lost.clone());
        self.unsteady().unwrap_or_else(|| Arc::new(lost))
    }

    /// The text of a note in a fault's record: which probe, why, and when.
    pub(crate) fn note(&self, unsteady: &Unsteady) -> String {
        let since = self.notes.times().injected.map(|injected| unsteady.at.saturating_sub(injected));
        let when = since.map(|since| format!(", {:.1} s after the injection", since.as_secs_f64()));
        format!("{}{}", unsteady.reason, when.unwrap_or_default())
    }
}

impl Drop for Course {
    fn drop(&mut self) {
        self.notes.over.cancel();
    }
}

/// A fault that may be in effect.
#[derive(Debug)]
#[must_use = "the phase ends when this is dropped"]
pub(crate) struct InEffect {
    notes: Arc<Notes>,
    /// When it ends by itself, from the return of its injection to the start of its recovery.
    full_until: Option<Duration>,
    /// Whether it is known to be over, although its recovery is not.
    is_over: bool,
}

impl InEffect {
    /// The injection returned without an error. A fault with a deadline ends by itself after `lasting`, which is before
    /// this process gets to end the hold.
    pub(crate) fn injected(&mut self, lasting: Option<Duration>) {
        self.full_until = Some(self.notes.enter_full_effect(lasting));
    }

    /// The hold is over, and the recovery begins.
    pub(crate) fn hold_ended(&mut self) {
        if let Some(until) = self.full_until.take() {
            self.notes.leave_full_effect(until);
        }
    }

    /// A fault that is in effect only while it is injected is over. Its recovery is not watched.
    pub(crate) fn is_over(&mut self) {
        self.notes.ended.fetch_add(1, Ordering::SeqCst);
        self.hold_ended();
        self.leave();
    }

    fn leave(&mut self) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.notes.leave_effect();
        }
    }
}

impl Drop for InEffect {
    fn drop(&mut self) {
        let is_recovered_now = self.is_over;
        self.hold_ended();
        self.leave();
        if is_recovered_now {
            self.notes.recovered();
        }
    }
}
