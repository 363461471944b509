use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::calendar::{Calendar, CalendarState, MOST_STEPS, end_of, start_of};

/// A date on which the calendar is open long enough for a fault to be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDay {
    date: Date,
    /// The spans in which a fault can begin and still be undone before the calendar closes, in order, each with its end
    /// excluded. None is empty.
    spans: Vec<(Timestamp, Timestamp)>,
}

impl OpenDay {
    /// The day, if it is open for faults that are undone after at most `takes`.
    pub(super) fn of(
        calendar: &dyn Calendar,
        zone: &TimeZone,
        date: Date,
        takes: SignedDuration,
    ) -> Option<Self> {
        // Only at the ends of time there are no such instants.
        let (mut at, end) = (start_of(date, zone).ok()?, end_of(date, zone).ok()?);
        let mut spans = Vec::new();
        for _ in 0..MOST_STEPS {
            if at >= end {
                return (!spans.is_empty()).then_some(Self { date, spans });
            }
            let next = match calendar.state(at) {
                CalendarState::Open(window) => {
                    let last = window.closes.saturating_sub(takes).map_or(at, |last| last.min(end));
                    if last > at {
                        spans.push((at, last));
                    }
                    window.closes
                }
                CalendarState::Closed(closed) => closed.until,
            };
            if next <= at {
                // It breaks its contract, and is not trusted.
                return None;
            }
            at = next;
        }
        // It takes so small steps that the day does not end.
        None
    }

    /// The date.
    pub fn date(&self) -> Date {
        self.date
    }

    /// How long the parts of the day are in which a fault can begin.
    pub fn length(&self) -> SignedDuration {
        self.spans.iter().map(|(start, end)| end.duration_since(*start)).sum()
    }

    /// The instant after this share of those parts, a number of 64 bits, on a whole second from the start of its part.
    pub(super) fn instant(&self, share: u64) -> Timestamp {
        let whole = self.length().as_nanos().unsigned_abs();
        // Both factors are below 2^64: a day has less than 2^47 nanoseconds.
        let mut nanoseconds = (whole * u128::from(share)) >> 64;
        for (start, end) in &self.spans {
            let length = end.duration_since(*start).as_nanos().unsigned_abs();
            if nanoseconds < length {
                let seconds = i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(0);
                return *start + SignedDuration::from_secs(seconds);
            }
            nanoseconds -= length;
        }
        // Not reached: the share is below the whole.
        self.spans[0].0
    }
}
