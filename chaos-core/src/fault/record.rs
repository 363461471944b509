use std::{fmt, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{CutShort, FaultId, FaultState, Magnitude};
use crate::{
    clock,
    error::Failure,
    group::{GroupId, TargetId},
    recovery::{RecoveryRecord, RetryPolicy},
    schedule::TakenDue,
};

/// The record of one fault in the journal. It contains no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FaultRecord {
    /// The fault's id.
    pub id: FaultId,
    /// The seed of the run that drew the target.
    pub seed: u64,
    /// The target of the injection.
    pub target: TargetId,
    /// The group of that target.
    pub group: GroupId,
    /// Tells the target apart from a later one with the same name, as
    /// [`Target::incarnation`](crate::group::Target::incarnation); `None` if names are never used twice.
    #[serde(default)]
    pub incarnation: Option<String>,
    /// The name of the chaos event.
    pub event: String,
    /// How to undo it.
    pub recovery: RecoveryRecord,
    /// The requested magnitude.
    pub requested: Magnitude,
    /// The achieved magnitude, as measured.
    pub achieved: Magnitude,
    /// How far the injection came, as it [recorded](crate::fault::Permit::record) before it went on.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub progress: Map<String, Value>,
    /// Whether it counts in the limits of the blast radius. One that hits no target of its own, such as the entry of an
    /// experiment, [does not](crate::fault::Prepared::uncounted).
    #[serde(default = "counted")]
    pub is_counted: bool,
    /// The due that it carries out, if it carries out one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<TakenDue>,
    /// Its state.
    pub state: FaultState,
    /// When its recovery became durable.
    pub armed_at: Timestamp,
    /// When it must be over.
    pub deadline: Timestamp,
    /// When a recovery that begins at the deadline gives up: the deadline plus the recovery's budget. From then on it
    /// is [overdue](FaultRecord::is_overdue).
    pub recover_by: Timestamp,
    /// When the injection began.
    pub injecting_at: Option<Timestamp>,
    /// When the injection returned.
    pub injected_at: Option<Timestamp>,
    /// When the recovery began for the first time.
    pub recovering_at: Option<Timestamp>,
    /// When the recovery ended, successfully or not.
    pub ended_at: Option<Timestamp>,
    /// The milestones of the recovery, with their times.
    pub milestones: Vec<Reached>,
    /// The latest failure.
    pub failure: Option<Failure>,
    /// Notes for a person, such as that the target is gone for good.
    pub note: Option<String>,
    /// Why the fault was over before its time, if it was.
    pub cut_short: Option<CutShort>,
    /// Why nothing was hit, if nothing was: nothing was filled, no packet was dropped, or no look saw the fault in
    /// effect.
    pub no_effect: Option<String>,
    /// Whether it is over because nothing is left to bring back, as the note says: the target, or its whole group, no
    /// longer exists.
    #[serde(default)]
    pub gone: bool,
}

fn counted() -> bool {
    true
}

/// A milestone of a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Milestone {
    /// The platform noticed that the target is not healthy.
    DetectedUnhealthy,
    /// A replacement exists, or the target itself exists again.
    Replaced,
    /// The target or the group is healthy again.
    Healthy,
}

impl fmt::Display for Milestone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DetectedUnhealthy => "detected unhealthy",
            Self::Replaced => "replaced",
            Self::Healthy => "healthy",
        })
    }
}

/// A milestone and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reached {
    /// The milestone.
    pub milestone: Milestone,
    /// When it was first seen.
    pub at: Timestamp,
}

impl Reached {
    /// `milestone`, first seen at `at`.
    pub fn new(milestone: Milestone, at: Timestamp) -> Self {
        Self { milestone, at }
    }
}

impl FaultRecord {
    /// A fault that is armed at `armed_at` and must be over by `deadline`.
    #[expect(clippy::too_many_arguments, reason = "each is a column without a sensible default")]
    pub fn armed(
        id: FaultId,
        seed: u64,
        target: TargetId,
        event: impl Into<String>,
        recovery: RecoveryRecord,
        requested: Magnitude,
        armed_at: Timestamp,
        deadline: Timestamp,
    ) -> Self {
        Self {
            id,
            seed,
            group: target.group(),
            target,
            incarnation: None,
            event: event.into(),
            recovery,
            requested,
            achieved: Magnitude::default(),
            progress: Map::new(),
            is_counted: true,
            due: None,
            state: FaultState::Armed,
            armed_at,
            deadline,
            recover_by: clock::after(deadline, RetryPolicy::default().budget),
            injecting_at: None,
            injected_at: None,
            recovering_at: None,
            ended_at: None,
            milestones: Vec::new(),
            failure: None,
            note: None,
            cut_short: None,
            no_effect: None,
            gone: false,
        }
    }

    /// Sets when a recovery that begins at the deadline gives up. Default: 5 minutes after the deadline.
    #[must_use]
    pub fn recover_by(mut self, recover_by: Timestamp) -> Self {
        self.recover_by = recover_by;
        self
    }

    /// Sets the incarnation of the target. By default, names are never used twice.
    #[must_use]
    pub fn incarnation(mut self, incarnation: Option<String>) -> Self {
        self.incarnation = incarnation;
        self
    }

    /// Whether the fault is still pending although its holder should have brought the target back or given up by now.
    /// The holder hangs or is stopped, so any process may recover such a fault.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.state.is_pending() && now > self.recover_by
    }

    /// How long after the deadline a recovery may begin before it counts as late. This allows for a busy machine, and
    /// for the interval between two looks of the holder at the clock.
    pub const LATE_AFTER: Duration = Duration::from_secs(5);

    /// How long after the deadline the recovery began, if that is more than [`LATE_AFTER`](FaultRecord::LATE_AFTER).
    /// The process that held the fault had ended, or was stopped. A fault that ends by itself may have been over by
    /// then.
    pub fn late_by(&self) -> Option<Duration> {
        let late = clock::until(self.deadline, self.recovering_at?);
        (late > Self::LATE_AFTER).then_some(late)
    }

    /// The knowledge about whether the injection happened.
    pub fn injection(&self) -> Injection {
        match (self.state, self.injecting_at, self.injected_at) {
            (_, _, Some(_)) => Injection::Returned,
            (FaultState::Armed, None, None) => Injection::NeverBegan,
            _ => Injection::Unknown,
        }
    }

    /// From the injection until the platform noticed.
    pub fn time_to_detect(&self) -> Option<Duration> {
        self.since_injection(self.reached(Milestone::DetectedUnhealthy)?)
    }

    /// From the injection until the target or group was seen healthy again; for a recovery that marks no such
    /// milestone, until it was verified. `None` if the target is gone.
    pub fn time_to_recover(&self) -> Option<Duration> {
        self.since_injection(self.back_at()?)
    }

    /// From the end of the hold until the target or group was seen healthy again; for a recovery that marks no such
    /// milestone, until it was verified. `None` if the target is gone.
    pub fn time_to_revert(&self) -> Option<Duration> {
        Some(clock::until(self.recovering_at?, self.back_at()?))
    }

    /// When the target or group was seen to be back.
    fn back_at(&self) -> Option<Timestamp> {
        if self.gone {
            return None;
        }
        let verified = self.ended_at.filter(|_| self.state == FaultState::Recovered);
        self.reached(Milestone::Healthy).or(verified)
    }

    fn reached(&self, milestone: Milestone) -> Option<Timestamp> {
        self.milestones.iter().find(|reached| reached.milestone == milestone).map(|reached| reached.at)
    }

    fn since_injection(&self, at: Timestamp) -> Option<Duration> {
        Some(clock::until(self.injecting_at?, at))
    }

    /// Applies a mark: the new state, its time and its findings. The caller has checked [`Mark::may_follow`].
    pub fn apply(&mut self, mark: &Mark) {
        let at = Some(mark.at);
        match mark.state {
            FaultState::Armed => {}
            FaultState::Injecting => self.injecting_at = self.injecting_at.or(at),
            FaultState::Active => self.injected_at = at,
            FaultState::Recovering => self.recovering_at = self.recovering_at.or(at),
            FaultState::Recovered | FaultState::RecoveryFailed => self.ended_at = at,
        }
        self.state = mark.state;
        for (name, value) in mark.achieved.iter() {
            self.achieved.set(name, value);
        }
        for (name, value) in &mark.progress {
            self.progress.insert(name.clone(), value.clone());
        }
        for reached in &mark.milestones {
            if self.reached(reached.milestone).is_none() {
                self.milestones.push(*reached);
            }
        }
        self.cut_short = self.cut_short.or(mark.cut_short);
        if mark.no_effect.is_some() {
            self.no_effect.clone_from(&mark.no_effect);
        }
        self.gone |= mark.gone;
        if mark.failure.is_some() {
            self.failure.clone_from(&mark.failure);
        }
        if let Some(note) = &mark.note {
            self.note = Some(match self.note.take() {
                Some(before) if !note.contains(&before) => format!("{before}; {note}"),
                _ => note.clone(),
            });
        }
    }
}

/// The knowledge about whether an injection happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Injection {
    /// It never began: the target is unchanged.
    NeverBegan,
    /// It began, and it is unknown how far it came. Assume that it happened.
    Unknown,
    /// It returned without an error: the platform has accepted it. Its effect may still come.
    Returned,
}

/// One step of a fault, for [`Journal::mark`](crate::journal::Journal::mark).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mark {
    /// The state that the fault enters.
    pub state: FaultState,
    /// When.
    pub at: Timestamp,
    /// The measured magnitude so far.
    pub achieved: Magnitude,
    /// How far the injection has come.
    pub progress: Map<String, Value>,
    /// The milestones of the recovery so far.
    pub milestones: Vec<Reached>,
    /// The failure.
    pub failure: Option<Failure>,
    /// Notes for a person.
    pub note: Option<String>,
    /// Why the fault was over before its time, if it was.
    pub cut_short: Option<CutShort>,
    /// Why nothing was hit, if that was seen.
    pub no_effect: Option<String>,
    /// Whether nothing is left to bring back.
    pub gone: bool,
}

impl Mark {
    /// The fault enters `state` at `at`.
    pub fn new(state: FaultState, at: Timestamp) -> Self {
        Self {
            state,
            at,
            achieved: Magnitude::default(),
            progress: Map::new(),
            milestones: Vec::new(),
            failure: None,
            note: None,
            cut_short: None,
            no_effect: None,
            gone: false,
        }
    }

    /// Whether a fault in `state` may be marked with this: as [`FaultState::may_become`] says, and while it is injected
    /// also to record how far that has come.
    pub fn may_follow(&self, state: FaultState) -> bool {
        let is_progress = self.state == FaultState::Injecting && !self.progress.is_empty();
        state.may_become(self.state) || (is_progress && state == FaultState::Injecting)
    }

    /// Adds how far the injection has come.
    #[must_use]
    pub fn progress(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.progress.insert(name.into(), value.into());
        self
    }

    /// Adds the measured magnitude.
    #[must_use]
    pub fn achieved(mut self, achieved: Magnitude) -> Self {
        self.achieved = achieved;
        self
    }

    /// Adds the milestones of the recovery.
    #[must_use]
    pub fn milestones(mut self, milestones: Vec<Reached>) -> Self {
        self.milestones = milestones;
        self
    }

    /// Adds the failure.
    #[must_use]
    pub fn failure(mut self, failure: Option<Failure>) -> Self {
        self.failure = failure;
        self
    }

    /// Adds notes for a person.
    #[must_use]
    pub fn note(mut self, note: Option<String>) -> Self {
        self.note = note;
        self
    }

    /// Adds why the fault was over before its time.
    #[must_use]
    pub fn cut_short(mut self, cut_short: Option<CutShort>) -> Self {
        self.cut_short = cut_short;
        self
    }

    /// Adds why nothing was hit.
    #[must_use]
    pub fn no_effect(mut self, no_effect: Option<String>) -> Self {
        self.no_effect = no_effect;
        self
    }

    /// Adds whether nothing is left to bring back.
    #[must_use]
    pub fn gone(mut self, gone: bool) -> Self {
        self.gone = gone;
        self
    }
}
