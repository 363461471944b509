//! The watch while a fault may be in effect.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    Phase,
    look::look,
    notes::{Notes, locked},
    steady_state::Duty,
    tolerance::Judgement,
};
use crate::clock::Clock;

/// How much longer than its interval and its time limit a probe may give no sign of life, before nobody is considered
/// to watch any more.
const GRACE: Duration = Duration::from_secs(5);

/// Watches each probe that must hold during a fault, in a task of its own, so that a slow one delays no other and no
/// future of the run needs to be polled.
pub(super) fn watch(notes: &Arc<Notes>) {
    for (index, watched) in notes.steady.probes.iter().enumerate() {
        if watched.phases.has(Phase::During) {
            let notes = Arc::clone(notes);
            tokio::spawn(async move {
                let over = notes.over.clone();
                let on_end = OnEnd(Arc::clone(&notes));
                tokio::select! {
                    biased;
                    () = over.cancelled() => {}
                    () = notes.watch(index) => {}
                }
                drop(on_end);
            });
        }
    }
}

/// The end of a watch, however it comes: unless no fault needs it any longer, it is a doubt.
struct OnEnd(Arc<Notes>);

impl Drop for OnEnd {
    fn drop(&mut self) {
        if !self.0.over.is_cancelled() {
            self.0.cut(self.0.doubt_of_watch("the watch of the steady state broke off"));
        }
    }
}

impl Notes {
    /// Looks at one probe at its pace while a fault may be in effect. Does not return.
    async fn watch(&self, index: usize) {
        let (mut in_effect, mut injected) = (self.in_effect.subscribe(), self.injected.subscribe());
        loop {
            // The sender lives as long as `self`.
            let _ = in_effect.wait_for(|faults| *faults > 0).await;
            self.forget_the_latest(index);
            while self.is_under_fault() {
                let began = self.clock.monotonic();
                injected.mark_unchanged();
                self.look_at_fault(index).await;
                let left = self.steady.every.saturating_sub(self.clock.monotonic().saturating_sub(began));
                tokio::select! {
                    biased;
                    _ = in_effect.wait_for(|faults| *faults == 0) => {}
                    _ = injected.changed() => {}
                    () = self.clock.sleep(left) => {}
                }
            }
        }
    }

    async fn look_at_fault(&self, index: usize) {
        let _looking = self.looking.read().await;
        if !self.is_under_fault() {
            return;
        }
        let watched = &self.steady.probes[index];
        let was_full = self.is_full_at(self.clock.monotonic());
        let ended_before = self.ended.load(Ordering::SeqCst);
        let looked = look(&watched.probe, &self.clock, self.steady.time_limit).await;
        if self.ended.load(Ordering::SeqCst) != ended_before {
            return;
        }
        let judged = match &looked.reading {
            Ok(reading) => watched.tolerance.judge_reading(reading, looked.took, self.normal(index)),
            Err(failure) => Judgement::Unknown(failure.clone()),
        };
        let times = *self.times();
        let ended = looked.began + looked.took;
        if let (Duty::MustTell(_), Judgement::Met) = (watched.duty, &judged) {
            let told = ended.saturating_sub(times.injected.unwrap_or(ended));
            locked(&self.probes[index]).told.get_or_insert(told);
        }
        self.record(index, Phase::During, was_full && self.is_full_at(ended), &looked, &judged);
        // Silence of what must be told shows at the end.
        if let Duty::MustTell(_) = watched.duty {
            return;
        }
        if let (Some(unsteady), Duty::Cut) = (self.settle_violation(index), watched.duty) {
            self.cut(unsteady);
        }
    }

    /// Waits until a probe has given no sign of life for too long while a fault was in effect.
    pub(super) async fn until_silent(&self) {
        loop {
            self.clock.sleep(self.longest_silence()).await;
            if self.is_silent_at(self.clock.monotonic()) && self.is_under_fault() {
                return;
            }
        }
    }

    /// Whether a probe has given no sign of life for too long at this time of the monotonic clock.
    pub(super) fn is_silent_at(&self, time: Duration) -> bool {
        let watched = self.steady.probes.iter().zip(&self.probes);
        watched
            .filter(|(watched, _)| watched.phases.has(Phase::During))
            .any(|(_, probed)| time.saturating_sub(locked(probed).alive) > self.longest_silence())
    }

    fn longest_silence(&self) -> Duration {
        self.steady.every.saturating_add(self.steady.time_limit).saturating_add(GRACE)
    }
}
