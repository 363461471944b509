//! The hooks of the controls, as a run calls them.

use std::{sync::atomic::Ordering, time::Duration};

use serde_json::{Map, Value, json};

use super::{
    Interrupt,
    controls::{LONGEST, Level, Moment, Scope},
    state::{State, locked},
};
use crate::substitution::Names;

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
        if let Value::Array(failed) = self.own_names().masked(&told["failed"].take()) {
            for why in failed.iter().filter_map(Value::as_str) {
                let why = chaos_core::text::escaped(why);
                tracing::warn!("a hook failed, and the experiment goes on: {why}");
            }
        }
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
