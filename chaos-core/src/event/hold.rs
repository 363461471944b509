use std::time::Duration;

use crate::error::{Error, Result};

/// How long an event keeps its fault up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold(Duration);

impl Hold {
    /// The default of every event that can be held: 60 seconds.
    pub const DEFAULT: Self = Self(Duration::from_secs(60));

    /// The longest: 12 hours.
    pub const LONGEST: Duration = Duration::from_secs(12 * 3600);

    /// For an event that happens and is over, such as a termination: recovery begins at once.
    pub const MOMENTARY: Self = Self(Duration::ZERO);

    /// How long a momentary event may take to be injected.
    const MOMENT: Duration = Duration::from_secs(60);

    /// Keeps the fault up for `duration`.
    ///
    /// # Errors
    /// `InvalidInput` for zero and for more than 12 hours.
    pub fn lasting(duration: Duration) -> Result<Self> {
        if duration.is_zero() || duration > Self::LONGEST {
            return Err(Error::invalid(
                "duration",
                format!("{duration:?}"),
                "more than zero and at most 12 hours",
            ));
        }
        Ok(Self(duration))
    }

    /// The duration; zero for a momentary event.
    pub fn duration(self) -> Duration {
        self.0
    }

    /// From the arming until the deadline: the duration, or for a momentary event the minute in which it must be
    /// injected.
    pub(crate) fn until_deadline(self) -> Duration {
        if self.is_momentary() { Self::MOMENT } else { self.0 }
    }

    /// Whether there is nothing to hold.
    pub fn is_momentary(self) -> bool {
        self.0.is_zero()
    }
}
