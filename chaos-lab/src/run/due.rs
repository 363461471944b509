use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::engine::stop_in;
use crate::{
    experiment::{Activity, Experiment},
    substitution::{Names, STEPS},
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
}

impl Undo {
    pub(crate) fn all(experiment: &Experiment, run: &str) -> Vec<Self> {
        let undo = experiment.method.iter().zip(1..).filter_map(|(step, number)| {
            let undo = step.undo.as_ref()?;
            let mut activity = (*undo.data).clone();
            if stop_in(&undo.provider).is_some() {
                // By no name, which a control might change.
                activity["provider"]["arguments"]["run"] = run.into();
            }
            Some(Self { step: number, activity })
        });
        undo.collect()
    }
}

impl Step {
    pub(crate) fn all(experiment: &Experiment) -> Vec<Self> {
        let step = |step: &std::sync::Arc<Activity>| Self { name: step.name.clone() };
        experiment.method.iter().map(step).collect()
    }
}

/// Whether an activity needs only outputs of steps that have not begun. Then there is nothing that it could undo.
pub(crate) fn is_of_nothing(activity: &Value, names: &Names, steps: &[Step], begun: usize) -> bool {
    let missing = names.missing_steps(&activity["provider"]);
    let is_of_later = |missing: &String| {
        let of = |(step, number): (&Step, usize)| {
            let rest = missing.strip_prefix(STEPS)?.strip_prefix(&step.name)?;
            rest.starts_with(".output").then_some((step.name.len(), number))
        };
        // A name may hold dots.
        let found = steps.iter().zip(1..).filter_map(of).max_by_key(|(length, _)| *length);
        found.is_some_and(|(_, number)| number > begun)
    };
    let refers_to_others = || names.refers_to_known_step(&activity["provider"]);
    !missing.is_empty() && missing.iter().all(is_of_later) && !refers_to_others()
}
