use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chaos_core::{clock::Clock, jiff::Timestamp};

use super::{
    ActivityRun, Interrupt, RunOptions,
    progress::{Progress, Section},
};
use crate::{
    experiment::{Activity, Experiment, HypothesisStrategy, RollbackStrategy},
    runner::Runner,
    substitution::Names,
};

/// What the parts of one run share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) experiment: Arc<Experiment>,
    pub(crate) options: RunOptions,
    pub(crate) names: Names,
    pub(crate) runner: Runner,
    pub(crate) clock: Arc<dyn Clock>,
    /// Names the run.
    pub(crate) run: String,
    pub(crate) start: Timestamp,
    progress: Mutex<Progress>,
    changes: Changes,
}

/// Counts what has changed, for the thread that writes it down.
#[derive(Debug, Default)]
struct Changes {
    count: Mutex<Count>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Count {
    changes: u64,
    is_over: bool,
}

/// An activity that is under way. Dropped, it was interrupted.
#[derive(Debug)]
pub(crate) struct UnderWay {
    state: Arc<State>,
    section: Section,
    index: usize,
    begun: Duration,
    is_over: bool,
}

impl State {
    pub(crate) fn new(
        experiment: Arc<Experiment>,
        options: RunOptions,
        names: Names,
        runner: Runner,
        clock: Arc<dyn Clock>,
        run: String,
    ) -> Arc<Self> {
        let start = clock.now();
        Arc::new(Self {
            experiment,
            options,
            names,
            runner,
            clock,
            run,
            start,
            progress: Mutex::default(),
            changes: Changes::default(),
        })
    }

    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn changed(&self) {
        self.changes.count().changes += 1;
        self.changes.changed.notify_all();
    }

    /// Nothing changes any more.
    pub(crate) fn is_over(&self) {
        self.changes.count().is_over = true;
        self.changes.changed.notify_all();
    }

    /// Blocks until something has changed since there were `seen` changes, and for `pace` at least. Returns how many
    /// changes there are, or nothing when the run is over.
    pub(crate) fn wait_for_changes(&self, seen: u64, pace: Duration) -> Option<u64> {
        let changes = &self.changes;
        let count = changes.changed.wait_timeout_while(changes.count(), pace, |count| !count.is_over);
        let (count, _) = count.unwrap_or_else(PoisonError::into_inner);
        let count = changes.changed.wait_while(count, |count| !count.is_over && count.changes == seen);
        let count = count.unwrap_or_else(PoisonError::into_inner);
        (!count.is_over).then_some(count.changes)
    }

    /// When the hypothesis is looked at.
    pub(crate) fn hypothesis_strategy(&self) -> HypothesisStrategy {
        match &self.experiment.hypothesis {
            None => HypothesisStrategy::Skip,
            Some(_) => self.options.hypothesis.or(self.experiment.hypothesis_strategy).unwrap_or_default(),
        }
    }

    /// When the rollbacks are played.
    pub(crate) fn rollback_strategy(&self) -> RollbackStrategy {
        self.options.rollbacks_of(&self.experiment)
    }

    /// The title, with the names in it substituted, and without the values of secrets.
    pub(crate) fn title(&self) -> String {
        let title = self.names.substitute(&self.experiment.title.as_str().into());
        crate::python::text(&self.names.masked(&title))
    }

    /// A signal came. The first one counts.
    pub(crate) fn interrupt(&self, interrupt: Interrupt) {
        self.progress().interrupt.get_or_insert(interrupt);
        self.changed();
    }

    /// The entry of an activity that begins now.
    pub(crate) fn begun(&self, activity: &Activity) -> ActivityRun {
        ActivityRun::begun(&activity.name, self.names.masked(&activity.data), self.clock.now())
    }

    /// Begins an activity of the method or of the rollbacks.
    pub(crate) fn begin(self: &Arc<Self>, section: Section, activity: &Activity) -> UnderWay {
        let run = self.begun(activity);
        let mut progress = self.progress();
        let runs = progress.runs(section);
        runs.push(run);
        let index = runs.len() - 1;
        drop(progress);
        self.changed();
        UnderWay { state: Arc::clone(self), section, index, begun: self.clock.monotonic(), is_over: false }
    }
}

impl Changes {
    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// It has ended like this, except for a pause.
    pub(crate) fn ended(&mut self, run: ActivityRun) {
        self.is_over = true;
        if let Some(entry) = self.state.progress().runs(self.section).get_mut(self.index) {
            *entry = run;
        }
        self.state.changed();
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let (now, clock) = (self.state.clock.now(), self.state.clock.monotonic());
        if let Some(entry) = self.state.progress().runs(self.section).get_mut(self.index) {
            entry.end = Some(now);
            entry.duration = clock.saturating_sub(self.begun);
        }
        self.state.changed();
    }
}
