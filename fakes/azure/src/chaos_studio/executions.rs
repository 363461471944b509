//! The progress of executions of experiments.

use super::experiment::{Execution, ExecutionStatus};
use crate::{cloud::Cloud, timer::Timer};

impl Cloud {
    /// Begins an execution.
    pub(crate) fn execute(&mut self, experiment: &str) {
        let (id, started) = (self.fresh_id(), self.now);
        let Some(found) = self.experiments.get_mut(experiment) else { return };
        found.executions.push(Execution {
            id: id.clone(),
            status: ExecutionStatus::PreProcessing,
            started,
            stopped: None,
        });
        self.after(1, Timer::Execution { experiment: experiment.to_owned(), execution: id });
    }

    /// Moves an execution to its next state.
    pub(crate) fn go_on(&mut self, experiment: &str, execution: &str) {
        let now = self.now;
        let Some(found) = self.experiments.get_mut(experiment) else { return };
        let (lasts, fails) = (found.lasts_milliseconds, found.fails);
        let Some(run) = found.executions.iter_mut().find(|run| run.id == execution) else { return };
        match run.status {
            ExecutionStatus::PreProcessing => {
                run.status = ExecutionStatus::Running;
                let timer =
                    Timer::Execution { experiment: experiment.to_owned(), execution: execution.to_owned() };
                self.after(lasts, timer);
            }
            ExecutionStatus::Running => {
                run.status = if fails { ExecutionStatus::Failed } else { ExecutionStatus::Success };
                run.stopped = Some(now);
            }
            _ => {}
        }
    }

    /// Cancels the execution in progress.
    pub(crate) fn cancel_execution(&mut self, experiment: &str) {
        let now = self.now;
        let Some(found) = self.experiments.get_mut(experiment) else { return };
        for run in found.executions.iter_mut().filter(|run| !run.status.is_over()) {
            run.status = ExecutionStatus::Cancelled;
            run.stopped = Some(now);
        }
    }
}
