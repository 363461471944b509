use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use chaos_core::{Calendar, Journal, chance::Entropy, clock::Clock, jiff::Timestamp};
use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::{
    ActivityRun, Approve, Follow, Interrupt, RunOptions,
    changes::Changes,
    controls::Controls,
    injecting::{Events, Injected},
    progress::{Progress, Section},
    toolkit_journal::in_journal,
};
use crate::{
    catalogues::Catalogues,
    experiment::{Activity, Experiment, HypothesisStrategy, RollbackStrategy},
    runner::Runner,
    substitution::{Names, refers_to_steps},
};

/// What the parts of one run share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) experiment: Arc<Experiment>,
    pub(crate) options: RunOptions,
    names: Mutex<Arc<Names>>,
    /// The document as the journal holds it, as long as nothing in it changes.
    document: Mutex<Option<Arc<Value>>>,
    /// What controls have changed in it.
    described: Mutex<Map<String, Value>>,
    pub(crate) controls: Option<Arc<Controls>>,
    /// What the steps of the method have yielded so far, if the experiment refers to that.
    steps: Option<Mutex<Arc<Map<String, Value>>>>,
    /// There is a new one.
    output: Notify,
    pub(crate) approval: Option<Arc<dyn Approve>>,
    follower: Option<Arc<dyn Follow>>,
    /// Carries out the activities, which are ended before the rollbacks.
    pub(crate) runner: Runner,
    /// Carries out the looks during the method. A look that is under way at its end is not counted, and need not be
    /// ended.
    pub(crate) lookout: Runner,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) catalogues: Catalogues,
    /// The runs of the events of the method.
    events: Mutex<Events>,
    /// Those that are over.
    injected: Arc<Mutex<Vec<Injected>>>,
    /// When the events may begin.
    pub(crate) calendar: Option<Arc<dyn Calendar>>,
    /// When the method must be over, by the monotonic clock.
    method_until: OnceLock<Duration>,
    /// Names the run.
    pub(crate) run: String,
    pub(crate) start: Timestamp,
    progress: Mutex<Progress>,
    /// Outlive the run in the thread that waits for them.
    pub(crate) changes: Arc<Changes>,
}

/// What a run begins with.
pub(crate) struct Parts {
    pub(crate) experiment: Arc<Experiment>,
    pub(crate) options: RunOptions,
    pub(crate) names: Names,
    pub(crate) controls: Option<Arc<Controls>>,
    pub(crate) runner: Runner,
    pub(crate) lookout: Runner,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) catalogues: Catalogues,
    pub(crate) approval: Option<Arc<dyn Approve>>,
    pub(crate) follower: Option<Arc<dyn Follow>>,
    pub(crate) calendar: Option<Arc<dyn Calendar>>,
    /// Names the run.
    pub(crate) run: String,
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
    pub(crate) fn begin_run(parts: Parts) -> Arc<Self> {
        let Parts {
            experiment,
            options,
            names,
            controls,
            runner,
            lookout,
            clock,
            entropy,
            journal,
            catalogues,
            approval,
            follower,
            calendar,
            run,
        } = parts;
        let uses_steps = !options.compatible && refers_to_steps(&experiment.document);
        Arc::new(Self {
            start: clock.now(),
            experiment,
            options,
            names: Mutex::new(Arc::new(names)),
            document: Mutex::default(),
            described: Mutex::default(),
            controls,
            steps: uses_steps.then(Mutex::default),
            output: Notify::new(),
            approval,
            follower,
            runner,
            lookout,
            clock,
            entropy,
            journal,
            catalogues,
            events: Mutex::default(),
            injected: Arc::default(),
            calendar,
            method_until: OnceLock::new(),
            run,
            progress: Mutex::default(),
            changes: Arc::default(),
        })
    }

    pub(crate) fn events(&self) -> MutexGuard<'_, Events> {
        locked(&self.events)
    }

    /// Where the runs of events are kept when they are over.
    pub(crate) fn injected(&self) -> Arc<Mutex<Vec<Injected>>> {
        Arc::clone(&self.injected)
    }

    /// The runs of events that are over.
    pub(crate) fn events_over(&self) -> Vec<Injected> {
        locked(&self.injected).clone()
    }

    /// The method has begun, and has so much time.
    pub(crate) fn method_begins(&self, rest: Duration) {
        let _ = self.method_until.set(self.clock.monotonic().saturating_add(rest));
    }

    /// How much time the method still has.
    #[cfg(any(feature = "aws", feature = "azure"))]
    pub(crate) fn method_rest(&self) -> Duration {
        let until = self.method_until.get().copied().unwrap_or_default();
        until.saturating_sub(self.clock.monotonic())
    }

    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        locked(&self.progress)
    }

    /// The names, and what the steps have yielded so far.
    pub(crate) fn names(&self) -> Arc<Names> {
        let names = self.own_names();
        match &self.steps {
            Some(steps) => Arc::new(Names::clone(&names).with_steps(Arc::clone(&locked(steps)))),
            None => names,
        }
    }

    /// The names alone.
    pub(crate) fn own_names(&self) -> Arc<Names> {
        Arc::clone(&locked(&self.names))
    }

    /// Controls have changed the names.
    pub(crate) fn rename(&self, names: Names) {
        let mut own = locked(&self.names);
        *own = Arc::new(names.in_place_of(&own));
        let names = Arc::clone(&own);
        drop(own);
        // What is a secret now may have been recorded before.
        self.progress().mask(&names);
        *locked(&self.document) = None;
        self.changed();
    }

    /// Controls have changed what describes the experiment.
    pub(crate) fn describe(&self, described: Map<String, Value>) {
        *locked(&self.described) = described;
        *locked(&self.document) = None;
        self.changed();
    }

    /// Whether something refers to what a step yields.
    pub(crate) fn uses_steps(&self) -> bool {
        self.steps.is_some()
    }

    /// What the steps have yielded so far, if a rollback or an undo refers to that: without the values of secrets.
    pub(crate) fn outputs(&self) -> Option<Value> {
        let steps = locked(self.steps.as_ref()?).as_ref().clone();
        Some(self.own_names().masked(&Value::Object(steps)))
    }

    /// Keeps what an activity has yielded.
    pub(crate) fn yielded(&self, activity: &Activity, value: Value) {
        if let Some(steps) = &self.steps {
            Arc::make_mut(&mut locked(steps)).insert(activity.name.clone(), value);
            self.output.notify_one();
        }
    }

    /// Returns when there is an output that was not waited for before.
    pub(crate) async fn next_output(&self) {
        self.output.notified().await;
    }

    pub(crate) fn changed(&self) {
        self.changes.one_more();
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
        let names = self.own_names();
        let title = names.substitute(&self.experiment.title.as_str().into());
        crate::python::text(&names.masked(&title))
    }

    /// The document as the journal holds it.
    pub(crate) fn document(&self) -> Arc<Value> {
        let mut known = locked(&self.document);
        if let Some(known) = &*known {
            return Arc::clone(known);
        }
        let mut document = self.own_names().masked(&self.experiment.document);
        let described = Value::Object(locked(&self.described).clone());
        if let (Value::Object(fields), Value::Object(described)) =
            (&mut document, self.own_names().masked(&described))
        {
            fields.extend(described);
        }
        let document = Arc::new(in_journal(document, self.title(), self.options.dry));
        *known = Some(Arc::clone(&document));
        document
    }

    /// A signal came. The first one counts.
    pub(crate) fn interrupt(&self, interrupt: Interrupt) {
        self.progress().interrupt.get_or_insert(interrupt);
        self.changed();
    }

    /// The entry of an activity that begins now, without the activity itself.
    pub(crate) fn begun_anew(&self, activity: &Activity) -> ActivityRun {
        ActivityRun::begun(&activity.name, Arc::default(), self.clock.now())
    }

    /// The entry of an activity that begins now.
    pub(crate) fn begun(&self, activity: &Activity) -> ActivityRun {
        ActivityRun::begun(&activity.name, self.own_names().masked_shared(&activity.data), self.clock.now())
    }

    /// A follower that panics must not end a rollback.
    fn follow(&self, tell: impl FnOnce(&dyn Follow)) {
        if let Some(follower) = &self.follower {
            let _ = catch_unwind(AssertUnwindSafe(|| tell(follower.as_ref())));
        }
    }

    /// Begins an activity of the method or of the rollbacks.
    pub(crate) fn begin(self: &Arc<Self>, section: Section, activity: &Activity) -> UnderWay {
        let run = self.begun(activity);
        self.follow(|follower| follower.begins(&run, matches!(section, Section::Rollbacks)));
        let mut progress = self.progress();
        let runs = progress.runs(section);
        runs.push(run);
        let index = runs.len() - 1;
        drop(progress);
        self.changed();
        UnderWay { state: Arc::clone(self), section, index, begun: self.clock.monotonic(), is_over: false }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.changes.are_over();
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl UnderWay {
    /// Whether it is a step of the method.
    pub(crate) fn is_step(&self) -> bool {
        matches!(self.section, Section::Method)
    }

    /// What controls may add to beside what is known.
    pub(crate) const KNOWN: [&str; 9] =
        ["activity", "output", "start", "status", "exception", "end", "duration", "tolerance_met", "not_met"];

    /// Whether it is a rollback.
    pub(crate) fn is_rollback(&self) -> bool {
        matches!(self.section, Section::Rollbacks)
    }

    /// Its entry in the journal.
    pub(crate) fn entry(&self) -> Value {
        let mut progress = self.state.progress();
        let entry = progress.runs(self.section).get(self.index);
        entry.and_then(|run| serde_json::to_value(run.entry(true)).ok()).unwrap_or_default()
    }

    /// Keeps what controls have made of its entry.
    pub(crate) fn add(&self, entry: Value) {
        let added = self.state.added(entry, &Self::KNOWN);
        if added.is_empty() {
            return;
        }
        if let Some(run) = self.state.progress().runs(self.section).get_mut(self.index) {
            run.added = added;
        }
        self.state.changed();
    }

    /// It has ended like this, except for a pause. The activity itself is known since it began. Whether it is fine.
    pub(crate) fn ended(&mut self, run: ActivityRun) -> bool {
        self.is_over = true;
        let is_rollback = matches!(self.section, Section::Rollbacks);
        let is_fine = self.state.progress().runs(self.section).get_mut(self.index).is_some_and(|entry| {
            let activity = Arc::clone(&entry.activity);
            *entry = ActivityRun { activity, ..run };
            self.state.follow(|follower| follower.ended(entry, is_rollback));
            entry.is_fine()
        });
        self.state.changed();
        is_fine
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
