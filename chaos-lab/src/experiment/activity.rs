use std::{sync::Arc, time::Duration};

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
    /// What undoes an action once it has begun.
    pub undo: Option<Arc<Activity>>,
    /// How long a probe is repeated until its value is normal.
    pub until: Option<Until>,
    /// Whether a share of many looks is judged instead of one look.
    pub samples: Option<Samples>,
    /// What a person is asked before it is carried out.
    pub approval: Option<String>,
    /// As it stands in the document, with unknown properties, and with what a `ref` stands for in its place. Its runs
    /// share it.
    pub data: Arc<Value>,
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

/// How long a probe is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Until {
    /// The time from the end of one look to the next.
    pub every: Duration,
    /// The time after which its last value counts.
    pub within: Duration,
}

/// How many looks a probe makes, and which share of them must be normal.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Samples {
    /// The time from the end of one look to the next.
    pub every: Duration,
    /// For how long it looks.
    pub lasting: Duration,
    /// The share of normal looks, from 0 to 1, of which the looks must leave no doubt.
    pub at_least: f64,
    /// How sure they must be, from 0 to 1.
    pub confidence: f64,
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
