//! Injected randomness: a seed decides which targets are drawn, and entropy makes seeds and the ids of runs and faults.

use std::{fmt, sync::Arc};

use jiff::civil::Date;
#[expect(
    clippy::disallowed_types,
    reason = "the one place that asks the operating system for randomness"
)]
use rand::rngs::SysRng;
use rand::{Rng, RngExt, SeedableRng, TryRng};
use rand_chacha::ChaCha8Rng;

use crate::error::{Error, ErrorKind, Result};

/// A source of unpredictable numbers: the ids of runs and faults, and the seed of a run without a given seed.
///
/// Ids must never repeat over one journal, so they do not derive from the seed: two runs with seed 42 draw the same
/// victims under different fault ids.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// An unpredictable number. If the source fails, this fails, and nothing is injected.
    fn draw(&self) -> Result<u64>;
}

macro_rules! passed_on_by {
    ($($pointer:ident),*) => {$(
        #[deny(clippy::missing_trait_methods)]
        impl<E: Entropy + ?Sized> Entropy for $pointer<E> {
            fn draw(&self) -> Result<u64> {
                (**self).draw()
            }
        }
    )*};
}

passed_on_by!(Arc, Box);

/// The operating system's random number generator.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn draw(&self) -> Result<u64> {
        SysRng.try_next_u64().map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the operating system gave no random numbers").caused_by(error)
        })
    }
}

/// The draws of one run, the same for one seed on every machine.
///
/// Each group draws from a ChaCha8 stream of its own, chosen by the group's id. So the draw in one group does not
/// depend on which other groups exist or on the order in which they were found.
#[derive(Debug)]
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream for the run as a whole.
    pub(crate) fn for_run(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// The stream for choices inside the group with this id.
    pub(crate) fn for_group(seed: u64, group: &str) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // Stream 0 is the run's own.
        rng.set_stream(fnv1a(group.as_bytes()).max(1));
        Self(rng)
    }

    /// The stream for the failure domain of this name, the same in every group.
    pub(crate) fn for_domain(seed: u64, name: &str) -> Self {
        Self::for_group(seed, name)
    }

    /// The stream for the due of this group on this day.
    pub(crate) fn for_due(seed: u64, group: &str, day: Date) -> Self {
        // No group's id begins like that.
        Self::for_group(seed, &format!("due {day} {group}"))
    }

    /// A number from 0 (inclusive) to 1 (exclusive), of 53 bits.
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number from 0 (inclusive) to `bound` (exclusive), which must not be 0. Drawn as `u32`, because `usize` draws
    /// differ between 32-bit and 64-bit machines.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u32::try_from(bound).unwrap_or(u32::MAX).max(1);
        self.0.random_range(0..bound) as usize
    }

    /// Draws one of the items from `position` on and moves it there. This is one step of a Fisher-Yates shuffle: the
    /// items before `position` were drawn without replacement. `position` must be below the number of items.
    pub(crate) fn next<T: Copy>(&mut self, items: &mut [T], position: usize) -> T {
        let other = position + self.below(items.len() - position);
        items.swap(position, other);
        items[position]
    }

    /// A seed for what follows, after the coin and the instant of a due.
    pub(crate) fn seed(mut self) -> u64 {
        self.number();
        self.number();
        within_json(self.number())
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// JSON readers keep integers up to 2^53 exactly, and a seed that a person copies from a report must survive that.
pub(crate) fn within_json(number: u64) -> u64 {
    number & ((1 << 53) - 1)
}

/// The 64-bit FNV-1a hash: stable across machines and releases, unlike the standard library's hasher.
/// Source: Fowler, Noll, Vo, RFC 9923.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose<T: Copy>(mut draw: Draw, mut items: Vec<T>, count: usize) -> Vec<T> {
        (0..count).map(|position| draw.next(&mut items, position)).collect()
    }

    /// If this test fails, a seed no longer draws the victims that it drew before.
    #[test]
    fn a_seed_draws_the_same_on_every_machine_and_release() {
        assert_eq!(choose(Draw::for_group(42, "local:drill"), (0..10).collect(), 4), [0, 7, 9, 6]);
        assert_eq!(Draw::for_run(42).number(), 12_578_764_544_318_200_737);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn every_subset_is_drawn_about_equally_often() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..6_000 {
            let mut pair = choose(Draw::for_group(seed, "memory:web"), vec![0, 1, 2, 3], 2);
            pair.sort_unstable();
            *counts.entry(pair).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6, "{counts:?}");
        // 1,000 expected of each; 5 standard deviations are 145.
        assert!(counts.values().all(|count| (855..=1145).contains(count)), "{counts:?}");
    }

    #[test]
    fn groups_draw_independently_of_each_other() {
        let draw = |group: &str| -> Vec<usize> {
            let mut draw = Draw::for_group(7, group);
            (0..8).map(|_| draw.below(1_000)).collect()
        };
        assert_eq!(draw("memory:a"), draw("memory:a"));
        assert_ne!(draw("memory:a"), draw("memory:b"));
    }
}
