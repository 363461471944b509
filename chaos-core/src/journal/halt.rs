use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An order to stop everything. It is in the journal, and every monkey over the journal sees it.
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
