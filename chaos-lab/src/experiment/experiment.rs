use std::{fmt, path::PathBuf, sync::Arc};

use chaos_core::Hold;
use serde_json::Value;

use super::{Activity, HypothesisStrategy, RollbackStrategy, Settings, python_parts::PythonParts};

/// An experiment: a hypothesis about the steady state, and a method that puts it to the test.
#[derive(Clone)]
#[non_exhaustive]
pub struct Experiment {
    /// The title, which may hold names.
    pub title: String,
    /// The description.
    pub description: String,
    /// What normal is.
    pub hypothesis: Option<Hypothesis>,
    /// What is done.
    pub method: Vec<Arc<Activity>>,
    /// What undoes it.
    pub rollbacks: Vec<Arc<Activity>>,
    /// What must hold before and during the method, which ends if it does not: probes, each with a tolerance.
    pub stop_conditions: Vec<Arc<Activity>>,
    /// The rungs in which the experiment is made harder, if it is.
    pub scale_up: Option<ScaleUp>,
    /// The configuration and the secrets.
    pub settings: Settings,
    /// When the hypothesis is looked at, if the file says so.
    pub hypothesis_strategy: Option<HypothesisStrategy>,
    /// When the rollbacks are played, if the file says so.
    pub rollback_strategy: Option<RollbackStrategy>,
    /// The longest time for the method, if the experiment says so.
    pub deadline: Option<Hold>,
    /// The interpreter that calls functions of Python, if there is one.
    pub python: Option<PathBuf>,
    pub(crate) python_parts: Arc<PythonParts>,
    /// The whole document, as it was read.
    pub document: Arc<Value>,
    /// The file, if it came from one.
    pub file: Option<PathBuf>,
}

/// An entry of the configuration that takes one value after the other, the smallest first. The experiment is run with
/// each, as long as it held with the one before.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScaleUp {
    /// The name of the entry.
    pub name: String,
    /// Its values.
    pub values: Vec<Value>,
}

/// A hypothesis: a sentence, and the probes that tell whether it holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Hypothesis {
    /// The sentence.
    pub title: String,
    /// Probes, each with a tolerance.
    pub probes: Vec<Arc<Activity>>,
}

impl fmt::Debug for Experiment {
    /// Leaves out the document, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Experiment")
            .field("title", &self.title)
            .field("description", &self.description)
            .field("hypothesis", &self.hypothesis)
            .field("method", &self.method)
            .field("rollbacks", &self.rollbacks)
            .field("settings", &self.settings)
            .field("hypothesis_strategy", &self.hypothesis_strategy)
            .field("rollback_strategy", &self.rollback_strategy)
            .field("python", &self.python)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}
