use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    clock::seconds,
    fault::{FaultId, Magnitude},
    group::TargetId,
    monkey::RunId,
};

/// An injection that is about to happen, for
/// [`Observer::before_injection`](crate::observer::Observer::before_injection). It carries no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Intended {
    /// The id that the fault will have.
    pub fault: FaultId,
    /// The run that has chosen the target. `None` in a value that was made for a test.
    #[serde(default)]
    pub run: Option<RunId>,
    /// The target.
    pub target: TargetId,
    /// The name of its event.
    pub event: String,
    /// Why this target.
    pub chosen: Chosen,
    /// The seed of the run.
    pub seed: u64,
    /// The number of healthy members of the group at the last look, including the target.
    pub healthy: usize,
    /// The number of members that the group should have.
    pub desired: usize,
    /// How long the fault will be held; zero if there is nothing to hold. In JSON, decimal seconds.
    #[serde(with = "seconds")]
    pub hold: Duration,
    /// How much is asked for.
    pub requested: Magnitude,
    /// When the fault must be over and its recovery begins at the latest, if it is armed now. It counts from the
    /// arming, so it is later by the time that the observers and the last look take. The calendar is asked again then.
    pub deadline: Timestamp,
    /// When the target is back or its recovery is given up, if the fault is armed now.
    pub undone_by: Timestamp,
    /// How a person brings the target back without this library:
    /// [`Recovery::by_hand`](crate::recovery::Recovery::by_hand).
    pub by_hand: String,
    /// What is tried: the hypothesis of the monkey's [steady state](crate::steady_state), if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hypothesis: Option<String>,
}

/// Why the target was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Chosen {
    /// It was drawn, with the seed of the run.
    Drawn,
    /// Somebody requested it: [`Monkey::inject`](crate::monkey::Monkey::inject).
    Named,
}

impl Intended {
    /// A value to begin with, for the test of an observer: a momentary event that was drawn with seed 0, without a
    /// requested magnitude and without instructions to undo it.
    pub fn new(fault: FaultId, target: TargetId, event: impl Into<String>, deadline: Timestamp) -> Self {
        Self {
            fault,
            run: None,
            target,
            event: event.into(),
            chosen: Chosen::Drawn,
            seed: 0,
            healthy: 0,
            desired: 0,
            hold: Duration::ZERO,
            requested: Magnitude::default(),
            deadline,
            undone_by: deadline,
            by_hand: String::new(),
            hypothesis: None,
        }
    }
}
