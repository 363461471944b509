use std::sync::atomic::{AtomicU64, Ordering};

use crate::{chance::Entropy, error::Result};

/// Predictable entropy for tests: consecutive numbers from `start`.
#[derive(Debug)]
pub struct CountingEntropy(AtomicU64);

impl CountingEntropy {
    /// Draws `start`, `start + 1` and so on, wrapping at the end.
    pub fn starting_at(start: u64) -> Self {
        Self(AtomicU64::new(start))
    }
}

impl Entropy for CountingEntropy {
    fn draw(&self) -> Result<u64> {
        Ok(self.0.fetch_add(1, Ordering::SeqCst))
    }
}
