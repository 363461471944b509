use std::{collections::BTreeMap, sync::Arc, time::Duration};

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
