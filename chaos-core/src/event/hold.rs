use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    error::{Error, Result},
    text::{duration_text, parse_duration},
};

/// How long an event holds its fault.
///
/// | | the fault is in effect | the recovery begins | it must be over |
/// |---|---|---|---|
/// | [`lasting`](Hold::lasting) | from the return of its injection | at the deadline | after the duration |
/// | [`MOMENTARY`](Hold::MOMENTARY) | from the return of its injection, until the target is back | when the injection returns | a minute later, unless it has returned |
/// | [`up_to`](Hold::up_to) | while it is injected | when the injection returns | after the limit, unless it has returned |
///
/// In text and in settings a hold is a duration as people write it, `momentary`, or `up to` with a duration:
///
/// ```
/// use std::time::Duration;
/// use chaos_core::Hold;
///
/// let hold: Hold = "1m30s".parse()?;
/// assert_eq!(hold.duration(), Duration::from_secs(90));
/// assert!("up to 1h".parse::<Hold>()?.is_momentary());
/// let error = "13h".parse::<Hold>().unwrap_err();
/// assert_eq!(error.to_string(), "invalid hold: 13h; expected more than zero and at most 12 hours");
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// From the arming until the deadline.
    limit: Duration,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Lasting,
    Momentary,
    UpTo,
}

impl Hold {
    /// The default of every event that can be held: 60 seconds.
    pub const DEFAULT: Self = Self { limit: Duration::from_secs(60), kind: Kind::Lasting };

    /// The longest: 12 hours.
    pub const LONGEST: Duration = Duration::from_secs(12 * 3600);

    /// The hold of a momentary event, such as a termination: the recovery begins at once.
    /// It must be injected within a minute.
    pub const MOMENTARY: Self = Self { limit: Duration::from_secs(60), kind: Kind::Momentary };

    /// [`up_to`](Hold::up_to) an hour.
    pub const UP_TO_AN_HOUR: Self = Self { limit: Duration::from_secs(3600), kind: Kind::UpTo };

    /// Holds the fault for `duration`.
    ///
    /// # Errors
    /// `InvalidInput` for zero and for more than 12 hours.
    pub fn lasting(duration: Duration) -> Result<Self> {
        Ok(Self { limit: checked(duration)?, kind: Kind::Lasting })
    }

    /// Holds nothing once the injection has returned, which may take until `limit`: the fault is in effect while it is
    /// injected. For a method of many steps, for example.
    ///
    /// # Errors
    /// As [`lasting`](Hold::lasting).
    pub fn up_to(limit: Duration) -> Result<Self> {
        Ok(Self { limit: checked(limit)?, kind: Kind::UpTo })
    }

    /// The duration; zero if there is nothing to hold.
    pub fn duration(self) -> Duration {
        if self.is_momentary() { Duration::ZERO } else { self.limit }
    }

    /// The time from the arming until the deadline: the duration or, for an event with nothing to hold, the time in
    /// which it must be injected.
    pub(crate) fn until_deadline(self) -> Duration {
        self.limit
    }

    /// Whether the fault is over when its injection returns.
    pub(crate) fn is_over_with_injection(self) -> bool {
        self.kind == Kind::UpTo
    }

    /// Whether there is nothing to hold once the injection has returned.
    pub fn is_momentary(self) -> bool {
        self.kind != Kind::Lasting
    }
}

fn checked(duration: Duration) -> Result<Duration> {
    if duration.is_zero() || duration > Hold::LONGEST {
        return Err(Error::invalid(
            "duration",
            duration_text(duration),
            "more than zero and at most 12 hours",
        ));
    }
    Ok(duration)
}

impl FromStr for Hold {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let hold = match (text, text.strip_prefix("up to ")) {
            ("momentary", _) => Ok(Self::MOMENTARY),
            (_, Some(limit)) => parse_duration(limit).and_then(Self::up_to),
            _ => parse_duration(text).and_then(Self::lasting),
        };
        hold.map_err(|error| error.in_field("hold"))
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Lasting => f.write_str(&duration_text(self.limit)),
            Kind::Momentary => f.write_str("momentary"),
            Kind::UpTo => write!(f, "up to {}", duration_text(self.limit)),
        }
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
