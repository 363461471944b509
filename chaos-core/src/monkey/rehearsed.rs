use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{clock::seconds, fault::Magnitude, group::TargetId, text::escaped};

/// A fault that a [rehearsing](super::MonkeyBuilder::rehearse) monkey would have injected: it has passed every check
/// before the arming.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rehearsed {
    /// The target.
    pub target: TargetId,
    /// The name of the event.
    pub event: String,
    /// How long it would have been held. In JSON, decimal seconds.
    #[serde(with = "seconds")]
    pub hold: Duration,
    /// The magnitude that it would have requested.
    pub requested: Magnitude,
    /// How a person would have brought the target back without this library.
    pub by_hand: String,
}

impl fmt::Display for Rehearsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (event, target) = (escaped(&self.event), escaped(self.target.as_str()));
        write!(f, "would have injected {event} into {target}, held for {:?}", self.hold)
    }
}
