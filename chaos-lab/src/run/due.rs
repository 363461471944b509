use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    experiment::{Activity, ActivityKind, Experiment},
    substitution::Names,
};

/// What undoes a step of the method.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Undo {
    /// The number of the step, from 1.
    pub(crate) step: usize,
    pub(crate) activity: Value,
}

/// A step of the method, as far as what is played depends on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    name: String,
    is_probe: bool,
}

impl Undo {
    pub(crate) fn all(experiment: &Experiment) -> Vec<Self> {
        let undo = experiment.method.iter().zip(1..).filter_map(|(step, number)| {
            Some(Self { step: number, activity: step.undo.as_ref()?.data.clone() })
        });
        undo.collect()
    }
}

impl Step {
    pub(crate) fn all(experiment: &Experiment) -> Vec<Self> {
        let step = |step: &std::sync::Arc<Activity>| Self {
            name: step.name.clone(),
            is_probe: step.kind == ActivityKind::Probe,
        };
        experiment.method.iter().map(step).collect()
    }
}

/// Whether an activity needs the output of a step that cannot have been used: the step has not begun, or it is the last
/// that has, and a probe without an output. Then there is nothing that the activity could undo.
pub(crate) fn is_of_nothing(activity: &Value, names: &Names, steps: &[Step], begun: usize) -> bool {
    names.missing_steps(&activity["provider"]).iter().any(|missing| {
        let of = |(step, number): (&Step, usize)| {
            let rest = missing.strip_prefix("${steps.")?.strip_prefix(&step.name)?;
            rest.starts_with(".output").then_some((step.name.len(), number, step.is_probe))
        };
        // A name may hold dots, and be the name of several steps.
        let found = steps
            .iter()
            .zip(1..)
            .filter_map(of)
            .max_by_key(|(length, number, _)| (*length, usize::MAX - number));
        found.is_some_and(|(_, number, is_probe)| number > begun || (is_probe && number == begun))
    })
}
