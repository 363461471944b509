//! The days that the clocks of a zone show.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::{AmbiguousOffset, TimeZone},
};

/// The first instant at which the clocks of `zone` show `date` or a later one.
pub(crate) fn start_of(date: Date, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
    let midnight = date.to_datetime(Time::midnight());
    match zone.to_ambiguous_timestamp(midnight).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(midnight)
        }
        AmbiguousOffset::Gap { after, .. } => {
            // The offset after a gap puts a time inside the gap before the transition.
            let earlier = after.to_timestamp(midnight)?;
            Ok(zone.following(earlier).next().map_or(earlier, |transition| transition.timestamp()))
        }
    }
}

/// The first instant after which the clocks of `zone` never again show `date` or an earlier one.
pub(crate) fn end_of(date: Date, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
    let tomorrow = date.tomorrow()?;
    let midnight = tomorrow.to_datetime(Time::midnight());
    if let AmbiguousOffset::Fold { after, .. } = zone.to_ambiguous_timestamp(midnight).offset() {
        let second = after.to_timestamp(midnight)?;
        let before = second.checked_sub(SignedDuration::from_nanos(1))?;
        if zone.to_datetime(before).date() <= date {
            return Ok(second);
        }
    }
    start_of(tomorrow, zone)
}
