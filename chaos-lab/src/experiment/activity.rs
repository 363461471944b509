use std::sync::Arc;

use serde_json::Value;

use super::Provider;
use crate::tolerance::Tolerance;

/// One step of an experiment: an action or a probe.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Activity {
    /// What it is.
    pub kind: ActivityKind,
    /// Its name.
    pub name: String,
    /// How it is carried out.
    pub provider: Provider,
    /// Whether the next activity begins without waiting for this one.
    pub background: bool,
    /// The pauses around it.
    pub pauses: Pauses,
    /// Which values are normal, for a probe.
    pub tolerance: Option<ActivityTolerance>,
    /// As it stands in the document, with unknown properties, and with what a `ref` stands for in its place.
    pub data: Value,
}

/// What an activity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the format knows these two")]
pub enum ActivityKind {
    /// It changes something.
    Action,
    /// It looks at something.
    Probe,
}

/// Pauses, each a number of seconds or a text that names one.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Pauses {
    /// Before the activity.
    pub before: Option<Value>,
    /// After it.
    pub after: Option<Value>,
}

/// Which values of a probe are normal.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ActivityTolerance {
    /// Those that this says.
    Value(Tolerance),
    /// Those for which another probe, which gets the value as its argument `value`, yields something true.
    Probe(Arc<Activity>),
}
