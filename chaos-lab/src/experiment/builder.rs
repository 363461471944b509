use std::time::Duration;

use chaos_core::text::duration_text;
use serde_json::{Map, Value, json};

use super::{Experiment, HypothesisStrategy, ReadOptions, RollbackStrategy, Step};
use crate::document::Problems;

/// An experiment that is written in Rust. It is the same as one in a file, and checked in the same way.
///
/// ```
/// use std::time::Duration;
/// use chaos_core::MemoryJournal;
/// use chaos_lab::{
///     experiment::{Experiment, Step},
///     run::{ExperimentVerdict, Lab},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("prices");
/// # std::fs::write(&file, "")?;
/// # let (file, away) = (file.display().to_string(), format!("{}.away", file.display()));
/// let experiment = Experiment::builder("If the prices are lost, then the shop goes on")
///     .steady_state(Step::process("the shop answers", "true", [""; 0]).tolerance(0))
///     .step(
///         Step::process("lose the prices", "mv", [&file, &away])
///             .undo(Step::process("put the prices back", "mv", [&away, &file])),
///     )
///     .pause(Duration::from_millis(10))
///     .deadline(Duration::from_secs(60))
///     .build()?;
/// let report = Lab::new().journal(MemoryJournal::new()).run(&experiment).await?;
/// assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
/// # assert!(folder.path().join("prices").exists());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is checked before it is built"]
pub struct ExperimentBuilder {
    hypothesis: String,
    probes: Vec<Value>,
    method: Vec<Value>,
    rollbacks: Vec<Value>,
    stop_conditions: Vec<Value>,
    runtime: Map<String, Value>,
    deadline: Option<Duration>,
    options: ReadOptions,
}

impl Experiment {
    /// An experiment about this hypothesis.
    pub fn builder(hypothesis: impl Into<String>) -> ExperimentBuilder {
        ExperimentBuilder {
            hypothesis: hypothesis.into(),
            probes: Vec::new(),
            method: Vec::new(),
            rollbacks: Vec::new(),
            stop_conditions: Vec::new(),
            runtime: Map::new(),
            deadline: None,
            options: ReadOptions::default(),
        }
    }
}

impl ExperimentBuilder {
    /// Adds a probe of the hypothesis, which has a tolerance.
    pub fn steady_state(mut self, probe: Step) -> Self {
        self.probes.push(probe.into_data());
        self
    }

    /// Adds a step of the method.
    pub fn step(mut self, step: Step) -> Self {
        self.method.push(step.into_data());
        self
    }

    /// Adds a step of the method that runs in the background.
    pub fn background(self, step: Step) -> Self {
        self.step(step.in_background())
    }

    /// Adds a pause after the last step, in place of the one that it has.
    pub fn pause(mut self, pause: Duration) -> Self {
        if let Some(Value::Object(step)) = self.method.last_mut() {
            step.insert("pauses".to_owned(), json!({ "after": pause.as_secs_f64() }));
        }
        self
    }

    /// Adds a rollback.
    pub fn rollback(mut self, step: Step) -> Self {
        self.rollbacks.push(step.into_data());
        self
    }

    /// Adds a probe that must be met before and during the method, which ends if it is not.
    pub fn stop_condition(mut self, probe: Step) -> Self {
        self.stop_conditions.push(probe.into_data());
        self
    }

    /// Sets when the hypothesis is looked at. Default: before and after the method.
    pub fn looked_at(mut self, strategy: HypothesisStrategy) -> Self {
        self.runtime.insert("hypothesis".to_owned(), json!({ "strategy": strategy.name() }));
        self
    }

    /// Sets when the rollbacks are played. Default: always.
    pub fn rolled_back(mut self, strategy: RollbackStrategy) -> Self {
        self.runtime.insert("rollbacks".to_owned(), json!({ "strategy": strategy.name() }));
        self
    }

    /// Sets the longest time for the method. Default: 1 h.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Sets how it is checked, such as with the events that it may name.
    pub fn checked(mut self, options: ReadOptions) -> Self {
        self.options = options;
        self
    }

    /// Checks it.
    ///
    /// # Errors
    /// Everything that is wrong, by its path in the file that it would be.
    pub fn build(self) -> Result<Experiment, Problems> {
        let mut document = json!({
            "title": self.hypothesis,
            "description": self.hypothesis,
            "method": self.method,
            "rollbacks": self.rollbacks,
        });
        if !self.probes.is_empty() {
            document["steady-state-hypothesis"] = json!({ "title": self.hypothesis, "probes": self.probes });
        }
        if !self.stop_conditions.is_empty() {
            document["stop-conditions"] = self.stop_conditions.into();
        }
        if !self.runtime.is_empty() {
            document["runtime"] = self.runtime.into();
        }
        if let Some(deadline) = self.deadline {
            document["deadline"] = duration_text(deadline).into();
        }
        Experiment::from_document(document, &self.options)
    }
}
