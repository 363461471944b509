use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A recovery as the journal stores it: its kind and its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecoveryRecord {
    /// [`Recovery::KIND`](super::Recovery::KIND).
    pub kind: String,
    /// The recovery in JSON.
    pub payload: Value,
}

impl RecoveryRecord {
    /// A record from its parts, as a journal reads them back.
    pub fn new(kind: impl Into<String>, payload: Value) -> Self {
        Self { kind: kind.into(), payload }
    }
}
