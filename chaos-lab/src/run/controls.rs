//! Controls: modules of Python whose hooks are called around the parts of a run.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::{Dry, Interrupt, RunOptions, state::State, state::locked, toolkit_journal::titled};
use crate::{
    experiment::Experiment,
    runner::{Runner, TroubleKind},
    substitution::Names,
};

/// The longest answer: it holds the names and a journal.
const LONGEST: u32 = 16 << 20;

/// The controls of a run. Their hooks share one experiment, configuration and groups of secrets, which live in the
/// interpreter.
#[derive(Debug)]
pub(crate) struct Controls {
    runner: Runner,
    experiment: Arc<Experiment>,
    dry: Option<Dry>,
    is_compatible: bool,
    strategies: Value,
    /// Whether the experiment has begun for them, so that its end is told as well.
    is_begun: AtomicBool,
    /// How long the hooks at the end may take.
    limit: Duration,
    /// The time for all those around the rollbacks together: none of them may keep a rollback from being played.
    left: Mutex<Duration>,
}

/// A part of a run that has hooks before and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Experiment,
    Hypothesis,
    Method,
    Rollback,
    Activity,
}

/// When a hook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Before,
    After,
}

/// The hooks of one moment.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) level: Level,
    pub(crate) scope: Scope,
    /// The activity.
    pub(crate) context: &'a Value,
    /// What the part has come to.
    pub(crate) state: Value,
    pub(crate) is_aside: bool,
    /// Whether it belongs to the rollbacks.
    pub(crate) is_rollback: bool,
}

impl Moment<'_> {
    pub(crate) fn before(level: Level) -> Moment<'static> {
        Moment {
            level,
            scope: Scope::Before,
            context: &Value::Null,
            state: Value::Null,
            is_aside: false,
            is_rollback: level == Level::Rollback,
        }
    }

    pub(crate) fn after(level: Level, state: Value) -> Moment<'static> {
        Moment { scope: Scope::After, state, ..Moment::before(level) }
    }
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Experiment => "experiment",
            Self::Hypothesis => "hypothesis",
            Self::Method => "method",
            Self::Rollback => "rollback",
            Self::Activity => "activity",
        }
    }
}

impl Scope {
    fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

impl Controls {
    /// None if there are none.
    pub(crate) fn of(
        experiment: &Arc<Experiment>,
        runner: &Runner,
        options: &RunOptions,
    ) -> Option<Arc<Self>> {
        if experiment.python_parts.controls.is_empty() {
            return None;
        }
        let hypothesis = options.hypothesis.or(experiment.hypothesis_strategy).unwrap_or_default();
        Some(Arc::new(Self {
            runner: runner.clone(),
            experiment: Arc::clone(experiment),
            dry: options.dry,
            is_compatible: options.compatible,
            strategies: json!({
                "hypothesis": { "strategy": hypothesis.name() },
                "rollbacks": { "strategy": options.rollbacks_of(experiment).name() },
            }),
            is_begun: AtomicBool::new(false),
            limit: options.controls_within,
            left: Mutex::new(options.controls_within),
        }))
    }

    /// Calls the hooks around the loading of the file, which was read before.
    pub(crate) async fn loaded(&self, names: &Names) {
        self.begin(names).await;
        let file = self.experiment.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
        for (scope, state) in
            [(Scope::Before, Value::Null), (Scope::After, (*self.experiment.document).clone())]
        {
            let order = json!({
                "do": "hook", "level": "loader", "scope": scope.name(), "context": file, "state": state,
                "longest": LONGEST,
            });
            self.order(order, names, "a control of the loading", false, None).await;
        }
    }

    /// Tells the interpreter, and each that is started later, what the hooks share.
    async fn begin(&self, names: &Names) {
        let order = self.first(names);
        self.order(order.clone(), names, "the start of the controls", false, None).await;
        self.runner.begin_python_with(order);
    }

    fn first(&self, names: &Names) -> Value {
        let parts = &self.experiment.python_parts;
        let title = names.substitute(&self.experiment.title.as_str().into());
        let document = (*self.experiment.document).clone();
        let mut settings = parts.settings.clone();
        if let Value::Object(settings) = &mut settings {
            settings.insert("runtime".to_owned(), self.strategies.clone());
        }
        json!({
            "do": "begin", "experiment": titled(document, crate::python::text(&title), self.dry),
            "configuration": names.configuration(), "secrets": names.secrets_by_group(),
            "settings": settings, "everywhere": parts.everywhere, "compatible": self.is_compatible,
        })
    }

    /// What the hooks yield; nothing if they did not come to their end, which is logged.
    async fn order(
        &self,
        order: Value,
        names: &Names,
        what: &str,
        is_aside: bool,
        limit: Option<Duration>,
    ) -> Value {
        let runner = if is_aside { self.runner.aside() } else { self.runner.clone() };
        match runner.ask_python(order, names, what, limit).await {
            Ok(told) => told,
            // The run has ended it.
            Err(trouble) if trouble.kind() == TroubleKind::Ended => Value::Null,
            Err(trouble) => {
                tracing::warn!(%trouble, "a control failed");
                Value::Null
            }
        }
    }
}

impl State {
    /// Prepares the controls, and tells them that the experiment begins. Whether none of them interrupts it.
    pub(crate) async fn begin_controls(&self) -> bool {
        let Some(controls) = &self.controls else { return true };
        controls.begin(&self.own_names()).await;
        controls.is_begun.store(true, Ordering::Relaxed);
        self.controlled(json!({ "do": "configure", "longest": LONGEST }), "configure_control", false, None)
            .await;
        self.hook(Moment::before(Level::Experiment)).await;
        !self.is_interrupted_by_control()
    }

    /// Tells the controls that the experiment is over, with its journal, and lets them clean up. Returns what they have
    /// added to the journal.
    pub(crate) async fn end_controls(&self, journal: impl FnOnce() -> Value) -> Map<String, Value> {
        const KNOWN: [&str; 14] = [
            "chaoslib-version",
            "platform",
            "node",
            "experiment",
            "start",
            "status",
            "deviated",
            "steady_states",
            "run",
            "rollbacks",
            "end",
            "duration",
            "verdict",
            "reasons",
        ];
        let Some(controls) = &self.controls else { return Map::new() };
        if !controls.is_begun.load(Ordering::Relaxed) {
            return Map::new();
        }
        let state = self.hook(Moment::after(Level::Experiment, journal())).await;
        let cleanup = json!({ "do": "cleanup", "longest": LONGEST });
        self.controlled(cleanup, "cleanup_control", false, Some(controls.limit)).await;
        self.added(state, &KNOWN)
    }

    /// What hooks have added to a part of the journal beside what is `known`, without secrets. What was seen is not
    /// theirs to change.
    pub(crate) fn added(&self, state: Value, known: &[&str]) -> Map<String, Value> {
        let Value::Object(fields) = state else { return Map::new() };
        let added = fields.into_iter().filter(|(name, _)| !known.contains(&name.as_str()));
        match self.own_names().masked(&added.collect::<Map<_, _>>().into()) {
            Value::Object(added) => added,
            _ => Map::new(),
        }
    }

    /// Whether a control has interrupted the run.
    pub(crate) fn is_interrupted_by_control(&self) -> bool {
        self.progress().interrupt == Some(Interrupt::Control)
    }

    /// Calls the hooks of a moment. Returns the state that they were given, if they have changed it.
    pub(crate) async fn hook(&self, moment: Moment<'_>) -> Value {
        let Some(controls) = &self.controls else { return Value::Null };
        let Moment { level, scope, context, state, is_aside, is_rollback } = moment;
        let is_end = level == Level::Experiment && scope == Scope::After;
        let limit = match is_rollback {
            true => Some(*locked(&controls.left)),
            false => is_end.then_some(controls.limit),
        };
        if limit.is_some_and(|limit| limit.is_zero()) {
            return Value::Null;
        }
        let order = json!({
            "do": "hook", "level": level.name(), "scope": scope.name(), "context": context, "state": state,
            "longest": LONGEST,
        });
        let what = format!("a control {} the {}", scope.name(), level.name());
        let begun = self.clock.monotonic();
        let mut told = self.controlled(order, &what, is_aside, limit).await;
        if is_rollback {
            let took = self.clock.monotonic().saturating_sub(begun);
            let mut left = locked(&controls.left);
            *left = left.saturating_sub(took);
        }
        if let Some(why) = told["interrupt"].as_str() {
            // There, one in the background, and one after the experiment, is not heard.
            let is_heard = !is_end && (!is_aside || !self.options.compatible);
            if is_heard {
                let why = self.own_names().masked(&why.into());
                let mut progress = self.progress();
                progress.interrupt.get_or_insert(Interrupt::Control);
                progress.interrupted_by.get_or_insert(crate::python::text(&why));
                drop(progress);
                self.changed();
            }
        }
        told["state"].take()
    }

    /// Gives an order to the controls, and takes over the names that they have changed.
    async fn controlled(&self, order: Value, what: &str, is_aside: bool, limit: Option<Duration>) -> Value {
        let Some(controls) = &self.controls else { return Value::Null };
        // What they print may be a secret that they are about to tell.
        let held = controls.runner.hold_python_log();
        let mut told = controls.order(order, &self.own_names(), what, is_aside, limit).await;
        if let Value::Object(described) = told["described"].take() {
            self.describe(described);
        }
        if let (Value::Object(configuration), Value::Object(secrets)) =
            (told["configuration"].take(), told["secrets"].take())
        {
            self.rename(names_of(configuration, secrets));
            controls.runner.begin_python_with(controls.first(&self.own_names()));
        }
        held.release(&self.own_names());
        if told.is_object() { told } else { json!({}) }
    }
}

fn names_of(configuration: Map<String, Value>, secrets: Map<String, Value>) -> Names {
    let names =
        configuration.into_iter().fold(Names::default(), |names, (name, value)| names.with(name, value));
    secrets.into_iter().fold(names, |names, (group, entries)| match entries {
        Value::Object(entries) => {
            let with = |names: Names, (name, value)| names.with_secret(&group, name, value);
            entries.into_iter().fold(names, with)
        }
        // No group, and masked all the same.
        value => names.with_secret("", group, value),
    })
}
