//! The journal as Chaos Toolkit writes it.

use std::fs;

use chaos_core::jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    ActivityRun, Dry, HypothesisLook,
    activity_run::{ActivityEntry, time},
    hypothesis_look::LookEntry,
};
use crate::substitution::MASK;

/// The version of Chaos Toolkit's library whose journal this is.
const LIBRARY: &str = "1.44.0";

/// What a journal tells.
pub(crate) struct Told<'a> {
    pub(crate) document: &'a Value,
    pub(crate) start: Timestamp,
    pub(crate) deviated: bool,
    pub(crate) before: Option<&'a HypothesisLook>,
    pub(crate) during: &'a [HypothesisLook],
    pub(crate) after: Option<&'a HypothesisLook>,
    pub(crate) method: &'a [ActivityRun],
    pub(crate) rollbacks: &'a [ActivityRun],
    /// With Chaos Toolkit's status.
    pub(crate) ended: Option<(&'static str, Ended<'a>)>,
    pub(crate) is_compatible: bool,
    /// What controls have added.
    pub(crate) added: Option<&'a Map<String, Value>>,
}

/// The journal of a run: as it is now or as it ended. Written as it is, because it may be long.
#[derive(Debug, Serialize)]
pub(crate) struct ToolkitJournal<'a> {
    #[serde(rename = "chaoslib-version")]
    library: &'static str,
    platform: String,
    node: String,
    experiment: &'a Value,
    start: String,
    status: Option<&'static str>,
    deviated: bool,
    steady_states: SteadyStates<'a>,
    run: Vec<ActivityEntry<'a>>,
    rollbacks: Vec<ActivityEntry<'a>>,
    #[serde(flatten)]
    ended: Option<Ended<'a>>,
    #[serde(flatten)]
    added: Option<&'a Map<String, Value>>,
}

#[derive(Debug, Serialize)]
struct SteadyStates<'a> {
    before: Option<LookEntry<'a>>,
    after: Option<LookEntry<'a>>,
    during: Vec<LookEntry<'a>>,
}

/// What is known at the end.
#[derive(Debug, Serialize)]
pub(crate) struct Ended<'a> {
    pub(crate) end: String,
    pub(crate) duration: f64,
    pub(crate) verdict: &'static str,
    pub(crate) reasons: &'a [String],
}

impl<'a> ToolkitJournal<'a> {
    pub(crate) fn of(told: Told<'a>) -> Self {
        let look = |look: &'a HypothesisLook| look.entry(told.is_compatible);
        let runs = |runs: &'a [ActivityRun]| runs.iter().map(|run| run.entry(told.is_compatible)).collect();
        let steady_states = SteadyStates {
            before: told.before.map(look),
            after: told.after.map(look),
            during: told.during.iter().map(look).collect(),
        };
        let (run, rollbacks) = (runs(told.method), runs(told.rollbacks));
        let (status, ended) = told.ended.unzip();
        Self {
            library: LIBRARY,
            platform: platform(),
            node: node(),
            experiment: told.document,
            start: time(told.start),
            status,
            deviated: told.deviated,
            steady_states,
            run,
            rollbacks,
            ended,
            added: told.added,
        }
    }
}

/// A document without the values of secrets as a journal holds it: with the title that the names make of it, and with
/// what is spared.
pub(crate) fn in_journal(mut document: Value, title: String, dry: Option<Dry>) -> Value {
    if let Value::Object(fields) = &mut document {
        // Also those that a file of variables has replaced.
        if let Some(secrets) = fields.get_mut("secrets") {
            hide(secrets);
        }
    }
    titled(document, title, dry)
}

/// A document with the title that the names make of it, and with what is spared.
pub(crate) fn titled(mut document: Value, title: String, dry: Option<Dry>) -> Value {
    if let Value::Object(fields) = &mut document {
        fields.insert("title".to_owned(), title.into());
        fields.insert("dry".to_owned(), dry.map_or(Value::Null, |dry| dry.name().into()));
    }
    document
}

/// Hides what is inline in secrets.
fn hide(secrets: &mut Value) {
    let is_reference = |kind: Option<&Value>| kind.is_some_and(|kind| kind == "env" || kind == "vault");
    match secrets {
        Value::Object(fields) if is_reference(fields.get("type")) => drop(fields.remove("default")),
        Value::Object(fields) => fields.values_mut().for_each(hide),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Null => {}
        inline => *inline = MASK.into(),
    }
}

/// The system, as Python's `platform.platform()` tells it, as far as this program knows it.
fn platform() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut system = std::env::consts::OS.to_owned();
    if let Some(first) = system.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    [system.as_str(), release.trim(), std::env::consts::ARCH]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

fn node() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}
