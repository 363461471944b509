use std::sync::atomic::{AtomicUsize, Ordering};

use super::Call;

/// Which of the matching calls break, counted from 1 over the life of the wrapper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    first: usize,
    count: usize,
}

impl Times {
    /// Every call.
    pub const ALWAYS: Self = Self { first: 1, count: usize::MAX };

    /// The first `count` calls.
    pub fn first(count: usize) -> Self {
        Self { first: 1, count }
    }

    /// The `number`-th call alone, counted from 1.
    pub fn nth(number: usize) -> Self {
        Self { first: number, count: 1 }
    }

    pub(super) fn contains(self, number: usize) -> bool {
        number >= self.first && number - self.first < self.count
    }
}

/// Counts the matching calls, and tells for each whether it breaks.
#[derive(Debug)]
pub(super) struct Fuse<C> {
    call: C,
    times: Times,
    seen: AtomicUsize,
}

impl<C: Call> Fuse<C> {
    pub(super) fn new(call: C, times: Times) -> Self {
        Self { call, times, seen: AtomicUsize::new(0) }
    }

    pub(super) fn blows(&self, call: C) -> bool {
        call == self.call && self.times.contains(self.seen.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faulty::EventCall::{Injection, Prepare};

    #[test]
    fn a_fuse_counts_its_own_call_alone() {
        let blown = |times| -> Vec<bool> {
            let fuse = Fuse::new(Injection, times);
            (0..4).map(|_| fuse.blows(Injection) || fuse.blows(Prepare)).collect()
        };
        assert_eq!(blown(Times::ALWAYS), [true; 4]);
        assert_eq!(blown(Times::first(2)), [true, true, false, false]);
        assert_eq!(blown(Times::nth(3)), [false, false, true, false]);
        assert_eq!(blown(Times::first(0)), [false; 4]);
    }
}
