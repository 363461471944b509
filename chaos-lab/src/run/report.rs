use std::{fmt, path::PathBuf, sync::Arc};

use chaos_core::{RunReport, fault::FaultRecord, jiff::Timestamp, text::escaped};
use serde_json::{Map, Value};

use super::{
    ActivityRun, ExperimentVerdict, HypothesisLook,
    activity_run::time,
    status::Status,
    toolkit_journal::{Ended, Told, ToolkitJournal},
};

/// What happened in a run of an experiment.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use = "an experiment that did not complete is no error: see `verdict`"]
pub struct ExperimentReport {
    /// The title, with the names in it substituted.
    pub title: String,
    /// The file of the experiment, if it came from one.
    pub file: Option<PathBuf>,
    /// How it ended.
    pub verdict: ExperimentVerdict,
    /// Why it is not `completed`, each reason as one sentence for a person.
    pub reasons: Vec<String>,
    /// The sentence of the hypothesis, if there is one.
    pub hypothesis: Option<String>,
    /// When the run began.
    pub start: Timestamp,
    /// When it was over.
    pub end: Timestamp,
    /// The look at the hypothesis before the method.
    pub before: Option<HypothesisLook>,
    /// The looks during the method, at most 2,000; the rest are those that were met.
    pub during: Vec<HypothesisLook>,
    /// The look after the method, before the rollbacks.
    pub after: Option<HypothesisLook>,
    /// The activities of the method, in the order in which they began.
    pub method: Vec<ActivityRun>,
    /// The undo of steps and the rollbacks, in the order in which they began.
    pub rollbacks: Vec<ActivityRun>,
    /// The run of the monkey that carried the method out. `None` if it never came to that.
    pub run: Option<RunReport>,
    /// The runs of the events of the method.
    pub faults: Vec<RunReport>,
    /// Experiments that earlier runs had left behind, and that were undone before this one.
    pub replayed: Vec<FaultRecord>,
    /// The value of the rung, if the experiment was scaled up.
    pub rung: Option<Value>,
    /// The whole document, with the names in its title substituted, and without the values of secrets.
    pub document: Arc<Value>,
    /// Why the last version of the journal could not be written to its file, if so.
    pub unwritten: Option<String>,
    /// Chaos Toolkit's exit code for the run.
    pub compatible_exit_code: u8,
    /// The command line that runs it again, for a shell, if the program that ran it knows one.
    pub run_again: Option<String>,
    /// What controls have added to the journal, without the values of secrets.
    pub added: Map<String, Value>,
    /// Chaos Toolkit's status of the run.
    pub(crate) status: Status,
    /// Whether Chaos Toolkit would say that the system deviated.
    pub(crate) deviated: bool,
    pub(crate) is_compatible: bool,
}

impl ExperimentReport {
    /// The journal as Chaos Toolkit writes it, with our verdict beside it.
    pub fn journal(&self) -> Value {
        serde_json::to_value(self.toolkit_journal()).unwrap_or_default()
    }

    /// The same, to be written as it is.
    pub(crate) fn toolkit_journal(&self) -> ToolkitJournal<'_> {
        let ended = Ended {
            end: time(self.end),
            duration: self.end.duration_since(self.start).as_secs_f64(),
            verdict: self.verdict.name(),
            reasons: &self.reasons,
        };
        ToolkitJournal::of(Told {
            document: &self.document,
            start: self.start,
            deviated: self.deviated,
            before: self.before.as_ref(),
            during: &self.during,
            after: self.after.as_ref(),
            method: &self.method,
            rollbacks: &self.rollbacks,
            ended: Some((self.status.name(), ended)),
            is_compatible: self.is_compatible,
            added: Some(&self.added),
        })
    }
}

impl fmt::Display for ExperimentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", escaped(&self.title), self.verdict)?;
        self.reasons.iter().try_for_each(|reason| write!(f, "\n{}", escaped(reason)))
    }
}
