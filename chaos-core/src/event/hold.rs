use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    error::{Error, Result},
    text::{duration_text, parse_duration},
};

/// How long an event holds its fault.
///
/// In text and in settings a hold is a duration as people write it, or `momentary`:
///
/// ```
/// use std::time::Duration;
/// use chaos_core::Hold;
///
/// let hold: Hold = "1m30s".parse()?;
/// assert_eq!(hold.duration(), Duration::from_secs(90));
/// let error = "13h".parse::<Hold>().unwrap_err();
/// assert_eq!(error.to_string(), "invalid hold: 13h; expected more than zero and at most 12 hours");
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold(Duration);

impl Hold {
    /// The default of every event that can be held: 60 seconds.
    pub const DEFAULT: Self = Self(Duration::from_secs(60));

    /// The longest: 12 hours.
    pub const LONGEST: Duration = Duration::from_secs(12 * 3600);

    /// The hold of a momentary event, such as a termination: the recovery begins at once.
    pub const MOMENTARY: Self = Self(Duration::ZERO);

    /// How long a momentary event may take to be injected.
    const MOMENT: Duration = Duration::from_secs(60);

    /// Holds the fault for `duration`.
    ///
    /// # Errors
    /// `InvalidInput` for zero and for more than 12 hours.
    pub fn lasting(duration: Duration) -> Result<Self> {
        if duration.is_zero() || duration > Self::LONGEST {
            return Err(Error::invalid(
                "duration",
                duration_text(duration),
                "more than zero and at most 12 hours",
            ));
        }
        Ok(Self(duration))
    }

    /// The duration; zero for a momentary event.
    pub fn duration(self) -> Duration {
        self.0
    }

    /// The time from the arming until the deadline: the duration or, for a momentary event, the minute in which it must
    /// be injected.
    pub(crate) fn until_deadline(self) -> Duration {
        if self.is_momentary() { Self::MOMENT } else { self.0 }
    }

    /// Whether there is nothing to hold.
    pub fn is_momentary(self) -> bool {
        self.0.is_zero()
    }
}

impl FromStr for Hold {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "momentary" => Ok(Self::MOMENTARY),
            _ => parse_duration(text).and_then(Self::lasting).map_err(|error| error.in_field("hold")),
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_momentary() { f.write_str("momentary") } else { f.write_str(&duration_text(self.0)) }
    }
}

impl Serialize for Hold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
