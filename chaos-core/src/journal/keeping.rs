use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the monkeys with a schedule over one journal share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeptSchedule {
    /// The seed of the schedule of monkeys to which none was given.
    pub seed: Option<u64>,
    /// Until when the dues are known: every due of an earlier day has its record.
    pub looked_at: Option<Timestamp>,
}

impl KeptSchedule {
    /// Proposes a seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Says until when the dues are known.
    #[must_use]
    pub fn looked_at(mut self, at: Timestamp) -> Self {
        self.looked_at = Some(at);
        self
    }

    /// What is kept if `proposed` is said: the first seed, and the latest look.
    #[must_use]
    pub fn and(self, proposed: &Self) -> Self {
        Self { seed: self.seed.or(proposed.seed), looked_at: self.looked_at.max(proposed.looked_at) }
    }
}

/// What a journal is to forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forget {
    /// Only what is older.
    pub before: Timestamp,
    /// The present, for cool-downs that may still run.
    pub now: Timestamp,
}

/// What a journal has forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Forgotten {
    /// The number of faults.
    pub faults: usize,
    /// The number of dues.
    pub dues: usize,
    /// Whether nothing is left to forget. Otherwise the next call goes on.
    pub is_complete: bool,
}

impl Forget {
    /// Everything before `before` that is over at `now`.
    pub fn before(before: Timestamp, now: Timestamp) -> Self {
        Self { before, now }
    }
}

impl Forgotten {
    /// So many faults and dues, and whether nothing is left to forget.
    pub fn new(faults: usize, dues: usize, is_complete: bool) -> Self {
        Self { faults, dues, is_complete }
    }
}
