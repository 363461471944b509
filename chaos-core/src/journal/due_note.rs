use jiff::Timestamp;

use super::DueState;
use crate::schedule::DueId;

/// What a monkey says of a due. The journal applies it to the [`DueRecord`](super::DueRecord) of the due.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DueNote {
    /// The due.
    pub id: DueId,
    /// Whether a rehearsing monkey says it.
    pub rehearsed: bool,
    /// The instant that was drawn, if the monkey knows it.
    pub at: Option<Timestamp>,
    /// What came of it so far.
    pub state: DueState,
    /// The reasons that stopped it.
    pub why: Vec<String>,
    /// When the monkey says it.
    pub now: Timestamp,
}

impl DueNote {
    /// The due is still to be carried out.
    pub fn open(id: DueId, now: Timestamp) -> Self {
        Self { id, rehearsed: false, at: None, state: DueState::Open, why: Vec::new(), now }
    }

    /// The due's day is over, and nothing was injected.
    pub fn missed(id: DueId, now: Timestamp) -> Self {
        Self { state: DueState::Missed, ..Self::open(id, now) }
    }

    /// A rehearsing monkey would have carried it out now.
    pub fn would_have_been(id: DueId, now: Timestamp) -> Self {
        Self { state: DueState::WouldHaveBeen, rehearsed: true, ..Self::open(id, now) }
    }

    /// Sets the instant that was drawn.
    #[must_use]
    pub fn drawn(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// Adds reasons that stopped it.
    #[must_use]
    pub fn because(mut self, why: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.why.extend(why.into_iter().map(Into::into));
        self
    }

    /// Sets whether a rehearsing monkey says it.
    #[must_use]
    pub fn rehearsed(mut self, rehearsed: bool) -> Self {
        self.rehearsed = rehearsed;
        self
    }
}
