use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An order to stop everything: written to the journal, seen by every monkey over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Halt {
    /// The reason, in the words of the person who gave the order.
    pub reason: String,
    /// When the order was given.
    pub since: Timestamp,
}

impl Halt {
    /// A halt for `reason` in force since `since`.
    pub fn new(reason: impl Into<String>, since: Timestamp) -> Self {
        Self { reason: reason.into(), since }
    }
}
