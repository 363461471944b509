//! Reports of runs.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use super::{RunId, rehearsed::Rehearsed};
use crate::{
    clock::seconds,
    error::{Error, ErrorKind, Result},
    fault::{FaultRecord, FaultState},
    group::TargetId,
    journal::Unreadable,
    plan::{Doubt, Plan, Reason},
    steady_state::{SteadyStateReport, SteadyStateVerdict},
    text::escaped,
};

/// The report of one run: its faults, and the reasons for everything that it left alone.
///
/// Its JSON also has the `outcome`, and for every fault `time_to_detect`, `time_to_recover` and `time_to_revert` in
/// decimal seconds, or `null`. They derive from the rest, and are not read back.
#[must_use = "a run that did not complete is no error: see `outcome`, or call `ensure_completed`"]
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct RunReport {
    /// Identifies the run, as in the activities for observers. `None` in a report that an earlier version wrote.
    #[serde(default)]
    pub run: Option<RunId>,
    /// The seed that drew the victims. Another monkey with this seed over the same groups draws the same ones.
    pub seed: u64,
    /// Whether the monkey was leashed, so nothing was touched.
    pub leashed: bool,
    /// When the run began.
    pub began_at: Timestamp,
    /// When the last fault was undone.
    pub ended_at: Timestamp,
    /// The chosen targets, and the reasons why the others were not chosen.
    pub plan: Plan,
    /// The chosen targets that were left alone after all, because the journal refused them, they were no longer
    /// healthy, or there was a doubt.
    pub skipped: Vec<Skip>,
    /// Every fault of this run, as it ended.
    pub faults: Vec<FaultRecord>,
    /// The faults that it would have injected, if the monkey [rehearses](super::MonkeyBuilder::rehearse).
    #[serde(default)]
    pub rehearsed: Vec<Rehearsed>,
    /// Pending faults of earlier runs that this run recovered before it injected anything.
    pub replayed: Vec<FaultRecord>,
    /// The pending faults that a rehearsing monkey found, and left as they are.
    #[serde(default)]
    pub pending: Vec<FaultRecord>,
    /// Unreadable entries of the journal. Each may be a fault that still must be recovered.
    #[serde(default)]
    pub unreadable: Vec<Unreadable>,
    /// The findings about the [steady state](crate::steady_state). `None` if the monkey has none.
    #[serde(default)]
    pub steady_state: Option<SteadyStateReport>,
    /// The findings about the steady states of [rules for groups](crate::monkey::GroupRule::steady_state), of each rule
    /// in whose groups this run has injected a fault.
    #[serde(default)]
    pub group_steady_states: Vec<GroupSteadyState>,
}

/// The findings about the steady state of a rule for groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupSteadyState {
    /// The patterns of the rule.
    pub rule: String,
    /// The findings.
    pub report: SteadyStateReport,
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
    /// At least one fault was injected. As far as the looks have seen, all were held for the requested time, and all
    /// were recovered.
    Completed,
    /// The monkey is leashed: it planned, and touched nothing.
    DryRun,
    /// Nothing was injected, because a safety rule or a doubt forbade it, or no target was eligible. The plan and the
    /// report say why.
    Skipped,
    /// A fault ended before its time: the run was cancelled, everything was halted, or it ended by itself. All were
    /// recovered.
    CutShort,
    /// A fault was injected but hit nothing, or no look saw it in effect. All were recovered.
    NoEffect,
    /// The hypothesis was wrong: the system was not steady while a fault was in effect, or not steady again in time.
    /// All faults were recovered. Only of a monkey with a [steady state](crate::steady_state).
    Deviated,
    /// A fault was injected and recovered, but the hypothesis was not tested: nobody could look, the hold ended early
    /// for another reason, or the fault had no effect. Only of a monkey with a [steady state](crate::steady_state), for
    /// which it stands in place of `CutShort` and `NoEffect`.
    Inconclusive,
    /// An injection failed, a fault was recovered late, or a target was not seen to be back.
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
        } else if let Some(outcome) = self.judged() {
            outcome
        } else if self.faults.iter().any(|fault| fault.cut_short.is_some()) {
            Outcome::CutShort
        } else if self.faults.iter().any(|fault| fault.no_effect.is_some()) {
            Outcome::NoEffect
        } else {
            Outcome::Completed
        }
    }

    /// The outcome by the steady states. `None` if they do not speak for every fault.
    fn judged(&self) -> Option<Outcome> {
        let verdicts: Vec<SteadyStateVerdict> =
            self.steady_states().map(|(_, steady)| steady.verdict).collect();
        if verdicts.contains(&SteadyStateVerdict::Deviated) {
            Some(Outcome::Deviated)
        } else if verdicts.iter().any(|verdict| *verdict != SteadyStateVerdict::Held) {
            Some(Outcome::Inconclusive)
        } else {
            self.steady_state.as_ref().map(|_| Outcome::Completed)
        }
    }

    /// Every steady state, with the rule that it is of.
    fn steady_states(&self) -> impl Iterator<Item = (Option<&str>, &SteadyStateReport)> {
        let whole = self.steady_state.iter().map(|report| (None, report));
        whole.chain(self.group_steady_states.iter().map(|group| (Some(group.rule.as_str()), &group.report)))
    }

    /// Returns an error unless the run [completed](Outcome::Completed), for instance for a test.
    ///
    /// # Errors
    /// `Refused` if nothing was injected, `Other` for every other outcome; the message is the whole report.
    pub fn ensure_completed(&self) -> Result<()> {
        let kind = match self.outcome() {
            Outcome::Completed => return Ok(()),
            Outcome::DryRun | Outcome::Skipped => ErrorKind::Refused,
            _ => ErrorKind::Other,
        };
        Err(Error::new(kind, format!("the run did not complete: {}", self.to_string().replace('\n', "; "))))
    }

    /// Whether every fault that this run injected or found was seen to be undone, or its target to be
    /// [gone](FaultRecord::gone). True if there was no fault; false if the journal has an unreadable entry.
    pub fn is_recovered(&self) -> bool {
        self.unreadable.is_empty()
            && self.faults.iter().chain(&self.replayed).all(|fault| fault.state == FaultState::Recovered)
    }

    /// The reasons for its outcome that an observer is told.
    pub(super) fn why(&self) -> Vec<String> {
        match self.outcome() {
            _ if self.faults.is_empty() => self.why_nothing(),
            Outcome::Deviated | Outcome::Inconclusive => {
                self.steady_states().flat_map(|(_, steady)| steady.reasons.iter().cloned()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Every reason that kept this run from injecting, for a person to read.
    pub fn why_nothing(&self) -> Vec<String> {
        self.plan.why_nothing().into_iter().chain(self.skipped.iter().map(skip)).collect()
    }
}

impl Serialize for RunReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            outcome: Outcome,
            run: Option<RunId>,
            seed: u64,
            leashed: bool,
            began_at: &'a Timestamp,
            ended_at: &'a Timestamp,
            plan: &'a Plan,
            skipped: &'a [Skip],
            faults: Vec<Timed<'a>>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            rehearsed: &'a [Rehearsed],
            replayed: Vec<Timed<'a>>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            pending: &'a [FaultRecord],
            unreadable: &'a [Unreadable],
            #[serde(skip_serializing_if = "Option::is_none")]
            steady_state: Option<&'a SteadyStateReport>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            group_steady_states: &'a [GroupSteadyState],
        }
        let Self {
            run,
            seed,
            leashed,
            began_at,
            ended_at,
            plan,
            skipped,
            faults,
            rehearsed,
            replayed,
            pending,
            unreadable,
            steady_state,
            group_steady_states,
        } = self;
        Written {
            outcome: self.outcome(),
            run: *run,
            seed: *seed,
            leashed: *leashed,
            began_at,
            ended_at,
            plan,
            skipped,
            faults: faults.iter().map(Timed::of).collect(),
            rehearsed,
            replayed: replayed.iter().map(Timed::of).collect(),
            pending,
            unreadable,
            steady_state: steady_state.as_ref(),
            group_steady_states,
        }
        .serialize(serializer)
    }
}

/// A fault as a report writes it: with the times that derive from it.
#[derive(Serialize)]
struct Timed<'a> {
    #[serde(flatten)]
    fault: &'a FaultRecord,
    #[serde(with = "seconds::optional")]
    time_to_detect: Option<Duration>,
    #[serde(with = "seconds::optional")]
    time_to_recover: Option<Duration>,
    #[serde(with = "seconds::optional")]
    time_to_revert: Option<Duration>,
}

impl<'a> Timed<'a> {
    fn of(fault: &'a FaultRecord) -> Self {
        Self {
            fault,
            time_to_detect: fault.time_to_detect(),
            time_to_recover: fault.time_to_recover(),
            time_to_revert: fault.time_to_revert(),
        }
    }
}

impl fmt::Display for RunReport {
    /// One line for the run, one for each fault with all its special facts, and the doubts; without a fault, the chosen
    /// targets, or why none was chosen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (", self.outcome())?;
        if let Some(run) = self.run {
            write!(f, "run {run}, ")?;
        }
        write!(f, "seed {})", self.seed)?;
        for (rule, steady) in self.steady_states().filter(|_| !self.faults.is_empty()) {
            match rule {
                None => write!(f, "\n{steady}")?,
                Some(rule) => write!(f, "\ngroups of {}: {steady}", escaped(rule))?,
            }
        }
        for fault in self.replayed.iter().chain(&self.faults) {
            write!(f, "\n{}", Line(fault))?;
        }
        for entry in &self.unreadable {
            let (name, problem) = (escaped(&entry.entry), escaped(&entry.failure.message));
            write!(f, "\nthe journal's entry {name} cannot be read, and may be a fault: {problem}")?;
        }
        for fault in &self.pending {
            write!(f, "\npending, and left as it is: {}", Line(fault))?;
        }
        if self.leashed {
            write!(f, "\n{}", self.plan)?;
            for rehearsed in &self.rehearsed {
                write!(f, "\n{rehearsed}")?;
            }
            for skipped in &self.skipped {
                write!(f, "\n{}", skip(skipped))?;
            }
        } else if self.faults.is_empty() {
            for reason in self.why_nothing() {
                write!(f, "\n{reason}")?;
            }
        } else {
            for reason in self.plan.doubts.iter().map(doubt).chain(self.skipped.iter().map(skip)) {
                write!(f, "\n{reason}")?;
            }
        }
        Ok(())
    }
}

/// The line of a report for one fault.
struct Line<'a>(&'a FaultRecord);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = self.0;
        let (event, target) = (escaped(&fault.event), escaped(fault.target.as_str()));
        // No look has seen it come back.
        let state = if fault.gone { "over, and gone for good".to_owned() } else { fault.state.to_string() };
        write!(f, "{} {event} on {target}: {state}", fault.id)?;
        if let Some(time) = fault.time_to_recover() {
            write!(f, " after {time:.1?}")?;
        }
        if let Some(why) = fault.cut_short {
            write!(f, "; cut short: {why}")?;
            if let Some(seconds) = fault.achieved.get("seconds") {
                write!(f, ", after {seconds:.1} s")?;
            }
        }
        if let Some(why) = &fault.no_effect {
            write!(f, "; no effect: {}", escaped(why))?;
        }
        if let Some(late) = fault.late_by() {
            write!(f, "; its recovery began {late:.1?} after the deadline")?;
        }
        if let Some(failure) = &fault.failure {
            write!(f, "; {failure}")?;
        }
        if let Some(note) = &fault.note {
            write!(f, "; {}", escaped(note))?;
        }
        Ok(())
    }
}

fn doubt(doubt: &Doubt) -> String {
    format!("{}: {}", escaped(&doubt.about), doubt.failure)
}

fn skip(skip: &Skip) -> String {
    format!("{}: {}", escaped(skip.target.as_str()), skip.reason)
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::DryRun => "dry-run",
            Self::Skipped => "skipped",
            Self::CutShort => "cut-short",
            Self::NoEffect => "no-effect",
            Self::Deviated => "deviated",
            Self::Inconclusive => "inconclusive",
            Self::Failed => "failed",
        })
    }
}
