use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An order to stop everything: written to the journal, seen by every monkey over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Halt {
    /// Why, in the words of whoever gave the order.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

impl Halt {
    /// A halt for `reason` in force since `since`.
    pub fn new(reason: impl Into<String>, since: Timestamp) -> Self {
        Self { reason: reason.into(), since }
    }
}
