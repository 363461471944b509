use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    clock::seconds,
    error::Failure,
    fault::{CutShort, Fault, FaultId, Magnitude, Milestone},
    group::TargetId,
    monkey::{Outcome, RunId},
    plan::{Reason, UnmatchedPattern},
    schedule::DueId,
    steady_state::Phase,
    text::escaped,
};

/// One thing that the library did or saw.
///
/// Every activity about a fault carries that [`Fault`], which stays the same from its arming to its end. Every activity
/// of a run carries the run's id. In JSON, these fields are flat beside the others: `fault` (the id), `run`, `target`,
/// `event`, `seed` and `deadline`.
///
/// A later version may add fields to each. In a test of an observer, read the activities that you need from JSON:
///
/// ```
/// use chaos_core::observer::Activity;
///
/// let json = r#"{
///     "activity": "injecting", "fault": "00000000000000ff", "target": "memory:web/machine-1",
///     "event": "power-off", "seed": 42, "deadline": "2026-03-02T09:01:00Z"
/// }"#;
/// let activity: Activity = serde_json::from_str(json).unwrap();
/// assert_eq!(activity.to_string(), "fault 00000000000000ff is being injected");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "activity", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Activity {
    /// A run began.
    #[non_exhaustive]
    RunBegan {
        /// The run.
        run: RunId,
        /// Its seed.
        seed: u64,
        /// Whether it is a dry run.
        leashed: bool,
    },
    /// A plan was made.
    #[non_exhaustive]
    Planned {
        /// The run that the plan is for.
        run: RunId,
        /// The number of groups that were looked at.
        groups: usize,
        /// The number of targets that were looked at.
        targets: usize,
        /// The number of targets that were chosen.
        chosen: usize,
        /// The number of targets that were left alone, by the [kind](Reason::kind) of the reason. A group without
        /// members counts as one.
        #[serde(default)]
        left_alone: BTreeMap<String, usize>,
    },
    /// A chosen target was left alone after all. Nothing was armed, so there is no [`Fault`].
    #[non_exhaustive]
    Skipped {
        /// The run that chose it.
        run: RunId,
        /// The id that the fault would have had, as in [`Intended`](crate::observer::Intended). `None` if no id could
        /// be drawn.
        #[serde(default)]
        fault: Option<FaultId>,
        /// The target.
        target: TargetId,
        /// The name of the event that was meant for it.
        event: String,
        /// The reason.
        reason: Reason,
    },
    /// A monkey that only rehearses would have injected this. Nothing was armed.
    #[non_exhaustive]
    Rehearsed {
        /// The run.
        run: RunId,
        /// The target.
        target: TargetId,
        /// The name of the event.
        event: String,
    },
    /// A fault was armed: its recovery is durable.
    #[non_exhaustive]
    Armed {
        /// The fault.
        #[serde(flatten)]
        fault: Arc<Fault>,
        /// How a person brings the target back without this library.
        by_hand: String,
    },
    /// A fault is about to be recovered that was left behind by an earlier process or a lost task, or that a person
    /// takes over from a live monkey.
    #[non_exhaustive]
    TakenOver {
        /// The fault.
        #[serde(flatten)]
        fault: Arc<Fault>,
        /// When its recovery became durable.
        armed_at: Timestamp,
        /// How a person brings the target back without this library. `None` if the recovery cannot be read.
        by_hand: Option<String>,
    },
    /// The injection begins.
    #[non_exhaustive]
    Injecting {
        /// The fault.
        #[serde(flatten)]
        fault: Arc<Fault>,
    },
    /// The injection returned without an error.
    #[non_exhaustive]
    Injected {
        /// The fault.
        #[serde(flatten)]
        fault: Arc<Fault>,
        /// The requested magnitude.
        requested: Magnitude,
        /// The measured magnitude.
        achieved: Magnitude,
    },
    /// The injection failed, or it is unknown how far it came. The fault is recovered in either case.
    #[non_exhaustive]
    InjectionFailed {
        /// The fault.
        #[serde(flatten)]
        fault: Arc<Fault>,
        /// The failure.
        failure: Failure,
    },
    /// The hold is over.
    #[non_exhaustive]
    HoldEnded {
        /// The fault.
        #[serde(flatten)]
        fault: Arc<Fault>,
        /// Why the hold ended before its time, if it did.
        cut_short: Option<CutShort>,
    },
    /// A recovery reached a milestone.
    #[non_exhaustive]
    Reached {
        /// The fault.
        #[serde(flatten)]
        fault: Arc<Fault>,
        /// The milestone.
        milestone: Milestone,
    },
    /// A recovery attempt begins.
    #[non_exhaustive]
    Recovering {
        /// The fault.
        #[serde(flatten)]
        fault: Arc<Fault>,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// A recovery attempt did not bring the target back. Another attempt follows.
    #[non_exhaustive]
    RecoveryRetried {
        /// The fault.
        #[serde(flatten)]
        fault: Arc<Fault>,
        /// The number of the attempt that did not succeed.
        attempt: u32,
        /// The failure that it met.
        failure: Failure,
        /// The time until the next attempt. In JSON, decimal seconds.
        #[serde(with = "seconds")]
        wait: Duration,
        /// The time until which the recovery is retried, whatever is refused meanwhile.
        until: Timestamp,
    },
    /// The target was seen to be back, or nothing is left to bring back.
    #[non_exhaustive]
    Recovered {
        /// The fault.
        #[serde(flatten)]
        fault: Arc<Fault>,
        /// The time from the injection until the target was healthy again. In JSON, decimal seconds.
        #[serde(default, with = "seconds::optional")]
        time_to_recover: Option<Duration>,
        /// Why the target is gone instead of back, if it is.
        #[serde(default)]
        gone: Option<String>,
    },
    /// The target could not be brought back. This is the most urgent activity.
    #[non_exhaustive]
    RecoveryFailed {
        /// The fault.
        #[serde(flatten)]
        fault: Arc<Fault>,
        /// The failure.
        failure: Failure,
        /// How a person brings the target back without this library. `None` if the recovery cannot be read.
        by_hand: Option<String>,
    },
    /// The journal failed while a fault was in progress. The recovery continues all the same.
    #[non_exhaustive]
    JournalFailed {
        /// The fault.
        #[serde(flatten)]
        fault: Arc<Fault>,
        /// The failure.
        failure: Failure,
    },
    /// A probe of the steady state was met for the first time in this phase.
    #[non_exhaustive]
    SteadyStateMet {
        /// The run.
        run: RunId,
        /// The phase.
        phase: Phase,
        /// The name of the probe.
        probe: String,
        /// The value that was read, as a person reads it.
        value: String,
    },
    /// A probe of the steady state was violated for the first time in this phase.
    #[non_exhaustive]
    SteadyStateViolated {
        /// The run.
        run: RunId,
        /// The phase.
        phase: Phase,
        /// The name of the probe.
        probe: String,
        /// Why, as in "503, expected 200".
        why: String,
    },
    /// The system is steady again after the last recovery of a run.
    #[non_exhaustive]
    SteadyAgain {
        /// The run.
        run: RunId,
        /// From the last recovery until it was seen to be. In JSON, decimal seconds.
        #[serde(default, with = "seconds::optional")]
        time_to_settle: Option<Duration>,
    },
    /// The system was not seen to be steady again in time after the last recovery of a run.
    #[non_exhaustive]
    NotSteadyAgain {
        /// The run.
        run: RunId,
        /// Why, for a person to read.
        why: String,
    },
    /// Patterns of the monkey fit nothing that its providers list. Each is told once.
    #[non_exhaustive]
    PatternsUnmatched {
        /// The patterns.
        patterns: Vec<UnmatchedPattern>,
    },
    /// Everything is halted.
    #[non_exhaustive]
    Halted {
        /// The reason, in the words of the person who gave the order.
        reason: String,
    },
    /// A halt was withdrawn.
    #[non_exhaustive]
    Resumed {},
    /// The settings of a monkey that keeps running were read again and not taken: it goes on under the former ones.
    #[non_exhaustive]
    SettingsRefused {
        /// Why not.
        failure: Failure,
    },
    /// A monkey with a schedule began to carry dues out.
    #[non_exhaustive]
    ScheduleBegan {
        /// The seed of its schedule: the given one, or the one that the journal keeps.
        seed: u64,
    },
    /// A due was carried out: something was injected for it, or may have been.
    #[non_exhaustive]
    DueCarriedOut {
        /// The due. In JSON, `group` and `day`.
        #[serde(flatten)]
        due: DueId,
    },
    /// A due would have been carried out by a monkey that only rehearses.
    #[non_exhaustive]
    DueRehearsed {
        /// The due. In JSON, `group` and `day`.
        #[serde(flatten)]
        due: DueId,
    },
    /// The day of a due ended, and nothing was injected for it.
    #[non_exhaustive]
    DueMissed {
        /// The due. In JSON, `group` and `day`.
        #[serde(flatten)]
        due: DueId,
        /// The reasons that stopped it, for a person to read.
        why: Vec<String>,
    },
    /// A run could not be made.
    #[non_exhaustive]
    RunFailed {
        /// The run. `None` if no id could be drawn for it.
        run: Option<RunId>,
        /// The failure.
        failure: Failure,
    },
    /// A run ended.
    #[non_exhaustive]
    RunEnded {
        /// The run.
        run: RunId,
        /// The outcome.
        outcome: Outcome,
        /// The reasons, for a person to read: why nothing was injected, or why the hypothesis was wrong or was not
        /// tested. Empty for other outcomes.
        why: Vec<String>,
    },
}

impl Activity {
    /// For a program that reads the settings of a running monkey again.
    pub fn settings_refused(failure: impl Into<Failure>) -> Self {
        Self::SettingsRefused { failure: failure.into() }
    }
}

impl fmt::Display for Activity {
    /// One line for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunBegan { seed, leashed: false, .. } => write!(f, "run began (seed {seed})"),
            Self::RunBegan { seed, leashed: true, .. } => write!(f, "dry run began (seed {seed})"),
            Self::Planned { groups, targets, chosen, .. } => {
                write!(f, "planned: {chosen} of {targets} targets in {groups} groups chosen")
            }
            Self::Skipped { target, reason, .. } => write!(f, "{target} skipped: {reason}"),
            Self::Rehearsed { target, event, .. } => {
                let (event, target) = (escaped(event), escaped(target.as_str()));
                write!(f, "rehearsed: {event} would have been injected into {target}")
            }
            Self::Armed { fault, .. } => {
                let Fault { id, target, event, deadline, .. } = fault.as_ref();
                write!(f, "fault {id} armed: {event} on {target} until {deadline}")
            }
            Self::TakenOver { fault, armed_at, .. } => {
                let Fault { id, target, event, .. } = fault.as_ref();
                write!(f, "fault {id} of an earlier run taken over: {event} on {target}, armed at {armed_at}")
            }
            Self::Injecting { fault } => write!(f, "fault {} is being injected", fault.id),
            Self::Injected { fault, .. } => write!(f, "fault {} injected", fault.id),
            Self::InjectionFailed { fault, failure } => {
                write!(f, "fault {}: the injection failed: {failure}", fault.id)
            }
            Self::HoldEnded { fault, cut_short: None } => write!(f, "fault {}: the hold is over", fault.id),
            Self::HoldEnded { fault, cut_short: Some(why) } => {
                write!(f, "fault {}: the hold was cut short: {why}", fault.id)
            }
            Self::Reached { fault, milestone } => write!(f, "fault {}: {milestone}", fault.id),
            Self::Recovering { fault, attempt } => {
                write!(f, "fault {}: recovering, attempt {attempt}", fault.id)
            }
            Self::RecoveryRetried { fault, attempt, failure, wait, until } => {
                write!(
                    f,
                    "fault {}: attempt {attempt} did not bring the target back: {failure}; again in {wait:?}, until \
                     {until:.0}",
                    fault.id
                )
            }
            Self::Recovered { fault, gone: Some(why), .. } => {
                write!(f, "fault {} is over, and its target is gone: {}", fault.id, escaped(why))
            }
            Self::Recovered { fault, time_to_recover: None, .. } => write!(f, "fault {} recovered", fault.id),
            Self::Recovered { fault, time_to_recover: Some(time), .. } => {
                write!(f, "fault {} recovered, {time:.1?} after the injection", fault.id)
            }
            Self::RecoveryFailed { fault, failure, .. } => {
                let Fault { id, target, .. } = fault.as_ref();
                write!(f, "fault {id}: RECOVERY FAILED, {target} is not back: {failure}")
            }
            Self::JournalFailed { fault, failure } => {
                write!(f, "fault {}: the journal failed: {failure}", fault.id)
            }
            Self::SteadyStateMet { phase, probe, value, .. } => {
                write!(f, "steady state {phase} the fault met: {}: {}", escaped(probe), escaped(value))
            }
            Self::SteadyStateViolated { phase, probe, why, .. } => {
                write!(f, "steady state {phase} the fault VIOLATED: {}: {}", escaped(probe), escaped(why))
            }
            Self::SteadyAgain { time_to_settle: None, .. } => f.write_str("steady again"),
            Self::SteadyAgain { time_to_settle: Some(time), .. } => {
                write!(f, "steady again, {time:.1?} after the recovery")
            }
            Self::NotSteadyAgain { why, .. } => write!(f, "NOT steady again: {}", escaped(why)),
            Self::PatternsUnmatched { patterns } => {
                let told: Vec<String> = patterns.iter().map(ToString::to_string).collect();
                f.write_str(&told.join("; "))
            }
            Self::Halted { reason } => write!(f, "halted: {}", escaped(reason)),
            Self::SettingsRefused { failure } => write!(f, "the settings were not taken: {failure}"),
            Self::Resumed {} => f.write_str("resumed: the halt was withdrawn"),
            Self::ScheduleBegan { seed } => {
                write!(f, "dues are carried out by the schedule with seed {seed}")
            }
            Self::DueCarriedOut { due } => {
                write!(f, "the due of {} was carried out", escaped(&due.to_string()))
            }
            Self::DueRehearsed { due } => {
                write!(f, "the due of {} would have been carried out", escaped(&due.to_string()))
            }
            Self::DueMissed { due, why } => {
                write!(f, "the due of {} was missed: {}", escaped(&due.to_string()), escaped(&why.join("; ")))
            }
            Self::RunFailed { failure, .. } => write!(f, "the run could not be carried out: {failure}"),
            Self::RunEnded { outcome, why, .. } if why.is_empty() => write!(f, "run ended: {outcome}"),
            Self::RunEnded { outcome, why, .. } => {
                write!(f, "run ended: {outcome}: {}", escaped(&why.join("; ")))
            }
        }
    }
}
