use std::sync::Arc;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::transitions::Transitions;

/// How the clocks run at some place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Zone {
    /// One that the tables of the library have.
    Known(TimeZone),
    /// One that a calendar describes.
    Described(Arc<Transitions>),
}

impl Zone {
    pub(super) const UTC: Self = Self::Known(TimeZone::UTC);

    /// The first instant at which the clocks show this time, or would, had they not skipped it. Clamped to the time
    /// that can be represented.
    pub(super) fn first(&self, time: DateTime) -> Timestamp {
        let instant = match self {
            Self::Known(zone) => zone.to_ambiguous_timestamp(time).compatible().ok(),
            Self::Described(transitions) => transitions.first(time),
        };
        instant.unwrap_or_else(|| clamped(time))
    }

    /// The last such instant.
    pub(super) fn last(&self, time: DateTime) -> Timestamp {
        let instant = match self {
            Self::Known(zone) => zone.to_ambiguous_timestamp(time).later().ok(),
            Self::Described(transitions) => transitions.last(time),
        };
        instant.unwrap_or_else(|| clamped(time))
    }

    /// What the clocks show.
    pub(super) fn shows(&self, at: Timestamp) -> DateTime {
        match self {
            Self::Known(zone) => zone.to_datetime(at),
            Self::Described(transitions) => transitions.offset(at).to_datetime(at),
        }
    }
}

fn clamped(time: DateTime) -> Timestamp {
    if time.year() < 0 { Timestamp::MIN } else { Timestamp::MAX }
}
