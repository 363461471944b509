use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chaos_core::{clock::Clock, jiff::Timestamp};
use tokio::sync::watch;

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
    /// Counts what has changed, for whoever writes it down.
    pub(crate) changes: watch::Sender<u64>,
}

/// An activity that is under way. Dropped, it was interrupted.
#[derive(Debug)]
pub(crate) struct UnderWay<'a> {
    state: &'a State,
    section: Section,
    index: usize,
    begun: std::time::Duration,
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
            changes: watch::Sender::new(0),
        })
    }

    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn changed(&self) {
        self.changes.send_modify(|changes| *changes += 1);
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
    pub(crate) fn begin(&self, section: Section, activity: &Activity) -> UnderWay<'_> {
        let run = self.begun(activity);
        let mut progress = self.progress();
        let runs = progress.runs(section);
        runs.push(run);
        let index = runs.len() - 1;
        drop(progress);
        self.changed();
        UnderWay { state: self, section, index, begun: self.clock.monotonic(), is_over: false }
    }
}

impl UnderWay<'_> {
    /// It is over.
    pub(crate) fn end(mut self, run: ActivityRun) {
        self.is_over = true;
        if let Some(entry) = self.state.progress().runs(self.section).get_mut(self.index) {
            *entry = run;
        }
        self.state.changed();
    }
}

impl Drop for UnderWay<'_> {
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
