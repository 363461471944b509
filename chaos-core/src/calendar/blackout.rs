use jiff::{Timestamp, civil::Date};

use super::{Calendar, CalendarState, Exclusion, Span, exclusion::state_outside, zone::time_zone};
use crate::error::Result;

/// Spans of time in which chaos is not welcome, such as a change freeze. It is closed during its spans and open
/// outside.
///
/// `hours.except(blackout)` and `hours.and(blackout)` mean the same; [`Exclusion`] explains why. A blackout without a
/// span is always open.
///
/// In text and in settings it is a list of spans: `"2026-12-21/2027-01-03 Europe/London".parse()`.
///
/// ```
/// use chaos_core::{Calendar, calendar::Blackout};
/// use jiff::civil::date;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let blackout = Blackout::new()
///     .dates("Europe/London", date(2026, 12, 21), date(2027, 1, 3))?
///     .between("2026-06-01T08:00:00Z".parse()?, "2026-06-01T09:30:00Z".parse()?)?;
///
/// let window = blackout.window("2026-05-31T12:00:00Z".parse()?).ok_or("closed")?;
/// assert_eq!(window.closes, "2026-06-01T08:00:00Z".parse()?);
/// assert!(blackout.window("2026-06-01T08:00:00Z".parse()?).is_none());
/// assert!(blackout.window("2026-06-01T09:30:00Z".parse()?).is_some());
/// assert!(blackout.window("2027-01-03T23:59:59Z".parse()?).is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blackout {
    /// Sorted; they never overlap or adjoin.
    spans: Vec<Span>,
}

impl Blackout {
    /// A blackout without a span: always open.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the span from `start` (inclusive) to `end` (exclusive).
    ///
    /// # Errors
    /// `InvalidInput` unless `start` is before `end`.
    pub fn between(mut self, start: Timestamp, end: Timestamp) -> Result<Self> {
        self.insert(Span::new(start, end)?);
        Ok(self)
    }

    /// Adds whole days, from the first instant of `first` to the last instant of `last`, as shown by the clocks in the
    /// IANA zone `zone`.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown zone, if `last` is before `first`, or if the days reach beyond the time that can
    /// be represented.
    pub fn dates(self, zone: &str, first: Date, last: Date) -> Result<Self> {
        let Some(span) = Span::of_dates(&time_zone(zone)?, first, last)? else {
            return Ok(self);
        };
        self.between(span.start(), span.end())
    }

    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    fn insert(&mut self, span: Span) {
        let (touching, mut apart): (Vec<Span>, Vec<Span>) = self
            .spans
            .drain(..)
            .partition(|other| other.start() <= span.end() && span.start() <= other.end());
        let span = touching.iter().fold(span, Span::hull);
        let index = apart.partition_point(|other| other.start() < span.start());
        apart.insert(index, span);
        self.spans = apart;
    }
}

impl Calendar for Blackout {
    fn state(&self, at: Timestamp) -> CalendarState {
        state_outside(self, at)
    }
}

impl Exclusion for Blackout {
    fn next(&self, at: Timestamp) -> Option<Span> {
        let index = self.spans.partition_point(|span| span.start() <= at && !span.contains(at));
        self.spans.get(index).cloned()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::{calendar::Window, error::ErrorKind};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn span(start: &str, end: &str) -> Span {
        Span::new(at(start), at(end)).unwrap()
    }

    #[test]
    fn spans_that_overlap_or_touch_become_one() {
        let blackout = Blackout::new()
            .between(at("2026-01-05T00:00Z"), at("2026-01-06T00:00Z"))
            .and_then(|blackout| blackout.between(at("2026-01-01T00:00Z"), at("2026-01-02T00:00Z")))
            .and_then(|blackout| blackout.between(at("2026-01-03T00:00Z"), at("2026-01-04T00:00Z")))
            .and_then(|blackout| blackout.between(at("2026-01-02T00:00Z"), at("2026-01-03T12:00Z")))
            .unwrap();
        let spans =
            [span("2026-01-01T00:00Z", "2026-01-04T00:00Z"), span("2026-01-05T00:00Z", "2026-01-06T00:00Z")];
        assert_eq!(blackout.spans, spans);
        assert_eq!(blackout.next(at("2025-01-01T00:00Z")), Some(spans[0].clone()));
        assert_eq!(blackout.next(at("2026-01-03T23:59:59Z")), Some(spans[0].clone()));
        assert_eq!(blackout.next(at("2026-01-04T00:00Z")), Some(spans[1].clone()));
        assert_eq!(blackout.next(at("2026-01-06T00:00Z")), None);
        assert_eq!(blackout.window(at("2026-01-06T00:00Z")), Some(Window::until(Timestamp::MAX)));
    }

    #[test]
    fn a_blackout_without_an_end_lasts_for_ever() {
        let blackout = Blackout::new().between(at("2026-01-01T00:00Z"), Timestamp::MAX).unwrap();
        assert_eq!(blackout.window(Timestamp::MAX), None);
    }

    #[test]
    fn whole_days_are_those_that_the_clocks_of_the_zone_show() {
        for (zone, first, last, start, end) in [
            // 23 and 25 hours.
            ("Europe/London", date(2026, 3, 29), date(2026, 3, 29), "2026-03-29T00:00Z", "2026-03-29T23:00Z"),
            (
                "Europe/London",
                date(2026, 10, 25),
                date(2026, 10, 25),
                "2026-10-24T23:00Z",
                "2026-10-26T00:00Z",
            ),
            // Midnight was skipped: the day began at 01:00; in the other zone, 23:30 to 00:30 was skipped, and it began
            // at 00:30.
            (
                "America/Sao_Paulo",
                date(2018, 11, 4),
                date(2018, 11, 4),
                "2018-11-04T03:00Z",
                "2018-11-05T02:00Z",
            ),
            (
                "America/Toronto",
                date(1919, 3, 31),
                date(1919, 3, 31),
                "1919-03-31T04:30Z",
                "1919-04-01T04:00Z",
            ),
            (
                "America/Toronto",
                date(1919, 3, 30),
                date(1919, 3, 30),
                "1919-03-30T05:00Z",
                "1919-03-31T04:30Z",
            ),
            // Midnight came twice: 01:00 was followed by 00:00, and 00:01 by 23:01 of the day before.
            (
                "America/Havana",
                date(2026, 10, 31),
                date(2026, 10, 31),
                "2026-10-31T04:00Z",
                "2026-11-01T04:00Z",
            ),
            (
                "America/Havana",
                date(2026, 11, 1),
                date(2026, 11, 1),
                "2026-11-01T04:00Z",
                "2026-11-02T05:00Z",
            ),
            (
                "America/St_Johns",
                date(2010, 11, 6),
                date(2010, 11, 6),
                "2010-11-06T02:30Z",
                "2010-11-07T03:30Z",
            ),
            (
                "America/St_Johns",
                date(2010, 11, 7),
                date(2010, 11, 7),
                "2010-11-07T02:30Z",
                "2010-11-08T03:30Z",
            ),
            // The 30th was skipped.
            (
                "Pacific/Apia",
                date(2011, 12, 29),
                date(2011, 12, 30),
                "2011-12-29T10:00Z",
                "2011-12-30T10:00Z",
            ),
        ] {
            let blackout = Blackout::new().dates(zone, first, last).unwrap();
            assert_eq!(blackout.spans, [span(start, end)], "{zone} {first} to {last}");
        }
        let day = date(2011, 12, 30);
        assert_eq!(Blackout::new().dates("Pacific/Apia", day, day).unwrap(), Blackout::new());
    }

    #[test]
    fn bad_input_is_named() {
        let noon = at("2026-01-01T12:00Z");
        let text = |result: Result<Blackout>| {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            error.to_string()
        };
        assert_eq!(
            text(Blackout::new().between(noon, noon)),
            "invalid span: 2026-01-01T12:00:00Z to 2026-01-01T12:00:00Z; expected an end after its start"
        );
        assert_eq!(
            text(Blackout::new().dates("UTC", date(2026, 1, 2), date(2026, 1, 1))),
            "invalid dates: 2026-01-02 to 2026-01-01; expected a last date that is not before the first"
        );
        assert!(text(Blackout::new().dates("Mars", Date::MIN, Date::MAX)).contains("Mars"));
        assert!(text(Blackout::new().dates("UTC", Date::MIN, Date::MAX)).contains("9999-12-31"));
    }
}
