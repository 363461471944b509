//! Reports: what a run did.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{FaultRecord, FaultState, Plan, Reason, TargetId, Unreadable};

/// What one run did, and what it did not do and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunReport {
    /// The seed that drew the victims. Given to another monkey over the same groups, it draws the same ones.
    pub seed: u64,
    /// Whether the monkey was leashed, so that nothing was touched.
    pub leashed: bool,
    /// When the run began.
    pub began_at: Timestamp,
    /// When the last fault was undone.
    pub ended_at: Timestamp,
    /// Who was chosen, and why the others were not.
    pub plan: Plan,
    /// The chosen targets that were left alone after all: refused by the journal, no longer healthy, in doubt.
    pub skipped: Vec<Skip>,
    /// Every fault of this run, as it ended.
    pub faults: Vec<FaultRecord>,
    /// Faults of earlier runs that this one found pending and recovered before it injected anything.
    pub replayed: Vec<FaultRecord>,
    /// Entries of the journal that this run could not read. Each may be a fault that is still to be recovered.
    #[serde(default)]
    pub unreadable: Vec<Unreadable>,
}

/// A chosen target that was left alone after all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Skip {
    /// The target.
    pub target: TargetId,
    /// The name of the event that was meant for it.
    pub event: String,
    /// Why.
    pub reason: Reason,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// At least one fault was injected, and all were recovered.
    Completed,
    /// The monkey is leashed: it planned and touched nothing.
    DryRun,
    /// Nothing was injected: a safety rule or a doubt forbade it, or nobody was eligible. The plan and the report say why.
    Skipped,
    /// An injection failed, or a target was not seen to be back.
    Failed,
}

impl RunReport {
    /// How the run ended.
    pub fn outcome(&self) -> Outcome {
        let injection_failed = self.faults.iter().any(|fault| fault.failure.is_some());
        if self.leashed {
            Outcome::DryRun
        } else if injection_failed || !self.is_recovered() {
            Outcome::Failed
        } else if self.faults.is_empty() {
            Outcome::Skipped
        } else {
            Outcome::Completed
        }
    }

    /// Whether every fault that this run injected or found was seen to be undone. True as well where there was none; false where the
    /// journal holds an entry that cannot be read.
    pub fn is_recovered(&self) -> bool {
        self.unreadable.is_empty()
            && self.faults.iter().chain(&self.replayed).all(|fault| fault.state == FaultState::Recovered)
    }

    /// Everything that kept this run from injecting, for a person to read.
    pub fn why_nothing(&self) -> Vec<String> {
        let skipped = self.skipped.iter().map(|skip| format!("{}: {}", skip.target, skip.reason));
        self.plan.why_nothing().into_iter().chain(skipped).collect()
    }
}

impl fmt::Display for RunReport {
    /// One line for the run and one for each fault; without any, what was chosen or why nobody was.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (seed {})", self.outcome(), self.seed)?;
        for fault in self.replayed.iter().chain(&self.faults) {
            write!(f, "\n{} {} on {}: {}", fault.id, fault.event, fault.target, fault.state)?;
            if let Some(time) = fault.time_to_recover() {
                write!(f, " after {time:.1?}")?;
            }
            if let Some(failure) = &fault.failure {
                write!(f, "; {failure}")?;
            }
        }
        if self.leashed {
            write!(f, "\n{}", self.plan)?;
        } else if self.faults.is_empty() {
            for reason in self.why_nothing() {
                write!(f, "\n{reason}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::DryRun => "dry-run",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        })
    }
}
