use jiff::Timestamp;
use metrics::{counter, gauge};

use super::names::{HALTED, NEXT_OPENING, PENDING, RELOADS_FAILED, describe};

/// The figures that no activity tells: a service says them, as often as it looks.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ServiceMetrics;

impl Default for ServiceMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl ServiceMetrics {
    /// Describes every metric to the recorder, which must be installed before.
    pub fn new() -> Self {
        describe();
        Self
    }

    /// The number of faults of the journal that are not over, entries that cannot be read included.
    pub fn pending(&self, number: usize) {
        gauge!(PENDING).set(number as f64);
    }

    /// Whether everything is halted.
    pub fn halted(&self, is_halted: bool) {
        gauge!(HALTED).set(if is_halted { 1.0 } else { 0.0 });
    }

    /// When the calendar opens next: now, if it is open. `None` if that is not known.
    pub fn next_opening(&self, at: Option<Timestamp>) {
        gauge!(NEXT_OPENING).set(at.map_or(f64::NAN, |at| at.as_millisecond() as f64 / 1_000.0));
    }

    /// A file of settings was read anew and not taken.
    pub fn reload_failed(&self) {
        counter!(RELOADS_FAILED).increment(1);
    }
}
