use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FaultId, FaultRecord};
use crate::{group::TargetId, monkey::RunId};

/// Identifies one armed fault. Every [`Activity`](crate::observer::Activity) about a fault carries it, so an observer
/// needs no map of its own from faults to targets.
///
/// In JSON its id is called `fault`, because the fields of an activity are flat beside it.
///
/// ```
/// use chaos_core::fault::Fault;
///
/// let json = r#"{
///     "fault": "00000000000000ff", "target": "memory:web/machine-1", "event": "power-off", "seed": 42,
///     "deadline": "2026-03-02T09:01:00Z"
/// }"#;
/// let fault: Fault = serde_json::from_str(json)?;
/// assert_eq!(fault.target.name(), "machine-1");
/// assert_eq!(fault.run, None); // found in a journal
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fault {
    /// The fault's id.
    #[serde(rename = "fault")]
    pub id: FaultId,
    /// The run that armed it. `None` for a fault that was found in a journal, which holds no ids of runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The target of the injection.
    pub target: TargetId,
    /// The name of its event.
    pub event: String,
    /// The seed of the run that drew the target.
    pub seed: u64,
    /// When it must be over.
    pub deadline: Timestamp,
}

impl Fault {
    /// The identity of a fault that a journal holds.
    pub(crate) fn recorded(record: &FaultRecord, run: Option<RunId>) -> Self {
        Self {
            id: record.id,
            run,
            target: record.target.clone(),
            event: record.event.clone(),
            seed: record.seed,
            deadline: record.deadline,
        }
    }
}
