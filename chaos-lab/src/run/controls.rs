//! Controls: modules of Python whose hooks are called around the parts of a run.

use std::{
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use serde_json::{Value, json};

use super::{Dry, RunOptions, toolkit_journal::titled};
use crate::{
    experiment::Experiment,
    runner::{Runner, TroubleKind},
    substitution::Names,
};

/// The longest answer: it holds the names and a journal.
pub(crate) const LONGEST: u32 = 16 << 20;

/// The controls of a run. Their hooks share one experiment, configuration and groups of secrets, which live in the
/// interpreter.
#[derive(Debug)]
pub(crate) struct Controls {
    pub(crate) runner: Runner,
    experiment: Arc<Experiment>,
    dry: Option<Dry>,
    is_compatible: bool,
    strategies: Value,
    /// Whether the experiment has begun for them, so that its end is told as well.
    pub(crate) is_begun: AtomicBool,
    /// How long the hooks at the end may take.
    pub(crate) limit: Duration,
    /// The time for all those around the rollbacks together: none of them may keep a rollback from being played.
    pub(crate) left: Mutex<Duration>,
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
    pub(crate) fn name(self) -> &'static str {
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
    pub(crate) fn name(self) -> &'static str {
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
    pub(crate) async fn begin(&self, names: &Names) {
        let order = self.first(names);
        self.order(order.clone(), names, "the start of the controls", false, None).await;
        self.runner.begin_python_with(order);
    }

    pub(crate) fn first(&self, names: &Names) -> Value {
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
    pub(crate) async fn order(
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
