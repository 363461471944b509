use chaos_core::Result;
use serde_json::Value;

use super::{ExperimentReport, ExperimentVerdict, Interrupt, Lab};
use crate::experiment::Experiment;

/// What an experiment held when it was scaled up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScaleUpReport {
    /// The rungs that were run, each with its value. The last one may not have held.
    pub rungs: Vec<(Value, ExperimentReport)>,
    /// The value of the largest rung that held. `None` if none did.
    pub answer: Option<Value>,
}

impl Lab {
    /// Runs the rungs of an experiment, the smallest first, each only if the one before completed. The gate of each
    /// looks whether the system is steady again.
    ///
    /// # Errors
    /// As [`run`](Lab::run).
    ///
    /// Cancel safe as [`run`](Lab::run).
    pub async fn scale_up(
        &self,
        rungs: &[(Value, Experiment)],
        mut interrupted: impl AsyncFnMut() -> Interrupt,
    ) -> Result<ScaleUpReport> {
        let mut report = ScaleUpReport { rungs: Vec::new(), answer: None };
        for (value, experiment) in rungs {
            let mut run = self.run_until(experiment, Box::pin(interrupted())).await?;
            run.rung = Some(value.clone());
            let has_held = run.verdict == ExperimentVerdict::Completed;
            report.rungs.push((value.clone(), run));
            if !has_held {
                break;
            }
            report.answer = Some(value.clone());
        }
        Ok(report)
    }
}
