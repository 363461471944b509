use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Weekday},
    tz::{Offset, TimeZone},
};

use super::{
    Calendar, CalendarState, Exclusion, Span, TimeOfDay, calendar::HORIZON, hours::Hours, invalid::Invalid,
    week::Week, weekdays::Weekdays, zone::time_zone,
};
use crate::error::Result;

/// Open during the same hours on some days of every week, by the clocks of one time zone. By default, 09:00 to 17:00
/// from Monday to Friday.
///
/// The hours are half-open: open at 09:00:00, closed at 17:00:00. If the closing time is before the opening time, the
/// span crosses midnight and belongs to the weekday on which it opens: `fri` from 22 to 4 ends on Saturday morning.
///
/// Daylight saving time is taken literally: the calendar is open at an instant if the clocks of the zone show an open
/// time at that instant. If the clocks skip the opening time, it opens at the first instant after the gap. If the
/// clocks show a time twice, the hours count both times, so the calendar may close and open once more.
///
/// Adjoining spans, such as 0 to 24 on two consecutive days, form one window. A setter with invalid input closes the
/// calendar permanently, and [`check`](Calendar::check) returns the error.
///
/// In text and in settings it is the zone, the days and the hours: `"Europe/London mon-thu 09:30-17:00".parse()`.
///
/// As an [`Exclusion`], it leaves out the time during which it is open, such as a lunch hour. Its [`Span`]s reach at
/// most about 8 days back and ahead.
///
/// ```
/// use chaos_core::{BusinessHours, Calendar, calendar::CalendarExt};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let lunch = BusinessHours::new("Europe/London")?.hours(12, (13, 30));
/// let calendar = BusinessHours::new("Europe/London")?.hours("09:30", 15).parse_days("mon-thu")?.except(lunch);
/// calendar.check()?;
///
/// // 09:30 in London in summer.
/// let window = calendar.window("2026-06-01T08:30:00Z".parse()?).ok_or("closed")?;
/// assert_eq!(window.closes, "2026-06-01T11:00:00Z".parse()?);
/// assert!(calendar.window("2026-06-01T11:00:00Z".parse()?).is_none());
/// assert!(calendar.window("2026-06-05T08:30:00Z".parse()?).is_none(), "a Friday");
///
/// let typo = BusinessHours::new("Europe/London")?.hours(9, 25);
/// assert!(typo.window("2026-06-01T10:00:00Z".parse()?).is_none());
/// assert!(typo.check().unwrap_err().to_string().starts_with("invalid closing time: 25; "));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BusinessHours {
    zone: TimeZone,
    hours: Result<Hours, Invalid>,
    days: Result<Weekdays, Invalid>,
}

impl BusinessHours {
    /// From 09:00 to 17:00, Monday to Friday, in the zone with this IANA name.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown zone.
    pub fn new(zone: &str) -> Result<Self> {
        Ok(Self {
            zone: time_zone(zone)?,
            hours: Ok(Hours::NINE_TO_FIVE),
            days: Ok(Weekdays::MONDAY_TO_FRIDAY),
        })
    }

    /// Sets the hours from `opens` (inclusive) to `closes` (exclusive). If `closes` is before `opens`, they cross
    /// midnight. 24 is the end of the day.
    ///
    /// If a time does not exist, or both are the same, the calendar stays closed, and [`check`](Calendar::check)
    /// returns the error.
    #[must_use]
    pub fn hours(mut self, opens: impl Into<TimeOfDay>, closes: impl Into<TimeOfDay>) -> Self {
        self.hours = Hours::new(&opens.into(), &closes.into());
        self
    }

    /// Sets the weekdays. Without any weekday, the calendar stays closed, and [`check`](Calendar::check) returns the
    /// error.
    #[must_use]
    pub fn days(mut self, days: impl IntoIterator<Item = Weekday>) -> Self {
        self.days = Weekdays::new(days);
        self
    }

    /// Sets the weekdays from text: English names or their first three letters, in any case, and ranges of them,
    /// separated by commas, such as `"mon-fri, sun"`. A range may cross the end of the week: `"sat-mon"`.
    ///
    /// # Errors
    /// `InvalidInput` with the name that is not a weekday, or if the text names no weekday.
    pub fn parse_days(mut self, days: &str) -> Result<Self> {
        self.days = Ok(Weekdays::parse(days)?);
        Ok(self)
    }

    /// As it is read back from text.
    pub(super) fn settings(&self) -> Result<String> {
        let hours = self.hours.as_ref().map_err(Invalid::error)?;
        let days = self.days.as_ref().map_err(Invalid::error)?;
        let zone = self.zone.iana_name().unwrap_or("UTC");
        Ok(format!("{zone} {days} {hours}"))
    }

    /// The spans of the week by the clocks of the zone; `None` if the input was invalid.
    fn spans(&self) -> Option<Spans<'_>> {
        let (Ok(hours), Ok(days)) = (&self.hours, &self.days) else {
            return None;
        };
        Some(Spans { week: Week { hours: *hours, days: *days }, zone: &self.zone })
    }
}

impl Calendar for BusinessHours {
    fn state(&self, at: Timestamp) -> CalendarState {
        let Some(spans) = self.spans() else {
            return CalendarState::closed_until(Timestamp::MAX);
        };
        match spans.end(at) {
            Some(closes) if closes > at => CalendarState::open_until(closes),
            Some(_) => CalendarState::closed_until(spans.opening(at).unwrap_or(Timestamp::MAX)),
            None => CalendarState::closed_until(Timestamp::MAX),
        }
    }

    fn check(&self) -> Result<()> {
        Invalid::check(&self.hours)?;
        Invalid::check(&self.days)
    }
}

impl Exclusion for BusinessHours {
    fn next(&self, at: Timestamp) -> Option<Span> {
        Some(self.spans().and_then(|spans| spans.next(at)).unwrap_or(Span::ALL))
    }

    fn check(&self) -> Result<()> {
        Calendar::check(self)
    }
}

/// Turns civil spans into spans of instants. `None` from any method means that the representable time ended there.
///
/// The clocks of a zone run evenly between two transitions. So each step goes to the next civil boundary under the
/// current offset or to the next transition, whichever comes first, and then reads the clocks again.
struct Spans<'a> {
    week: Week,
    zone: &'a TimeZone,
}

impl Spans<'_> {
    /// The span that contains `at`, or else the first one after it.
    fn next(&self, at: Timestamp) -> Option<Span> {
        let inside = if self.opened(at).is_some() { at } else { self.opening(at)? };
        Span::new(self.start(inside)?, self.end(inside)?).ok()
    }

    /// The first instant from `at` on that is closed, or one beyond the horizon that is still open.
    fn end(&self, at: Timestamp) -> Option<Timestamp> {
        let mut end = at;
        while end.duration_since(at) < HORIZON
            && let Some((date, offset)) = self.opened(end)
        {
            let nominal = offset.to_timestamp(self.week.closes(date)?).ok()?;
            end = self.transition_after(end).map_or(nominal, |transition| transition.min(nominal));
        }
        Some(end)
    }

    /// The first instant of the span around `at`, which must be open, or one before the horizon that is still open.
    fn start(&self, at: Timestamp) -> Option<Timestamp> {
        let mut inside = at;
        loop {
            let (date, offset) = self.opened(inside)?;
            let nominal = offset.to_timestamp(self.week.opens(date)).ok()?;
            let start = self.transition_until(inside).map_or(nominal, |transition| transition.max(nominal));
            inside = start.checked_sub(INSTANT).ok()?;
            if at.duration_since(start) >= HORIZON || self.opened(inside).is_none() {
                return Some(start);
            }
        }
    }

    /// The first open instant after `at`, which must be closed.
    fn opening(&self, at: Timestamp) -> Option<Timestamp> {
        let mut closed = at;
        loop {
            let offset = self.zone.to_offset(closed);
            let nominal = self
                .week
                .next_opening(offset.to_datetime(closed))
                .and_then(|time| offset.to_timestamp(time).ok());
            match self.transition_after(closed) {
                Some(transition) if nominal.is_none_or(|nominal| transition <= nominal) => {
                    closed = transition
                }
                _ => return nominal,
            }
            if self.opened(closed).is_some() {
                return Some(closed);
            }
        }
    }

    /// The date on which the span around `at` opened, and the offset of the clocks at that instant; `None` while
    /// closed.
    fn opened(&self, at: Timestamp) -> Option<(Date, Offset)> {
        let offset = self.zone.to_offset(at);
        Some((self.week.opened(offset.to_datetime(at))?, offset))
    }

    fn transition_after(&self, at: Timestamp) -> Option<Timestamp> {
        // If the zone data has no rule for the future, jiff repeats the last transition.
        self.zone
            .following(at)
            .map(|transition| transition.timestamp())
            .next()
            .filter(|transition| *transition > at)
    }

    /// The last transition before or at `at`.
    fn transition_until(&self, at: Timestamp) -> Option<Timestamp> {
        let after = at.checked_add(INSTANT).ok()?;
        self.zone.preceding(after).map(|transition| transition.timestamp()).next()
    }
}

/// The smallest step of time.
const INSTANT: SignedDuration = SignedDuration::from_nanos(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn hours(zone: &str, opens: &str, closes: &str, days: &str) -> BusinessHours {
        BusinessHours::new(zone).and_then(|hours| hours.parse_days(days)).unwrap().hours(opens, closes)
    }

    fn closes(calendar: &BusinessHours, instant: &str) -> Option<Timestamp> {
        calendar.window(at(instant)).map(|window| window.closes)
    }

    fn next(calendar: &BusinessHours, instant: &str) -> (Timestamp, Timestamp) {
        let span = calendar.next(at(instant)).unwrap();
        (span.start(), span.end())
    }

    #[test]
    fn nine_to_five_from_monday_to_friday_unless_told_otherwise() {
        let calendar = BusinessHours::new("UTC").unwrap();
        let five = Some(at("2026-06-05T17:00Z"));
        assert_eq!(closes(&calendar, "2026-06-05T08:59:59.999999999Z"), None);
        assert_eq!(closes(&calendar, "2026-06-05T09:00Z"), five);
        assert_eq!(closes(&calendar, "2026-06-05T16:59:59.999999999Z"), five);
        assert_eq!(closes(&calendar, "2026-06-05T17:00Z"), None);
        assert_eq!(closes(&calendar, "2026-06-06T12:00Z"), None, "a Saturday");
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_on_which_they_open() {
        let calendar = hours("UTC", "22:00", "04:00", "fri");
        let four = Some(at("2026-06-06T04:00Z"));
        assert_eq!(closes(&calendar, "2026-06-05T02:00Z"), None, "it did not open on Thursday");
        assert_eq!(closes(&calendar, "2026-06-05T22:00Z"), four);
        assert_eq!(closes(&calendar, "2026-06-06T03:59Z"), four);
        assert_eq!(closes(&calendar, "2026-06-06T22:00Z"), None);
        assert_eq!(
            closes(&hours("UTC", "22:00", "00:00", "fri"), "2026-06-05T23:00Z"),
            Some(at("2026-06-06T00:00Z"))
        );
    }

    #[test]
    fn an_opening_inside_a_gap_moves_to_its_end() {
        // On this Sunday, 01:00 is followed by 02:00.
        let calendar = hours("Europe/London", "01:30", "03:00", "sun");
        assert_eq!(closes(&calendar, "2026-03-29T00:59:59Z"), None);
        assert_eq!(closes(&calendar, "2026-03-29T01:00Z"), Some(at("2026-03-29T02:00Z")));
        assert_eq!(next(&calendar, "2026-03-29T00:00Z"), (at("2026-03-29T01:00Z"), at("2026-03-29T02:00Z")));
        // A span inside the gap never happens.
        assert_eq!(
            next(&hours("Europe/London", "01:10", "01:50", "sun"), "2026-03-29T00:00Z"),
            (at("2026-04-05T00:10Z"), at("2026-04-05T00:50Z"))
        );
        // A closing time inside the gap moves to its start.
        let calendar = hours("Europe/London", "00:00", "01:30", "sun");
        assert_eq!(closes(&calendar, "2026-03-29T00:30Z"), Some(at("2026-03-29T01:00Z")));
    }

    #[test]
    fn at_a_fold_the_hours_count_both_times() {
        // On this Sunday, 02:00 in summer time is followed by 01:00.
        let calendar = hours("Europe/London", "01:15", "01:45", "sun");
        let first = (at("2026-10-25T00:15Z"), at("2026-10-25T00:45Z"));
        let second = (at("2026-10-25T01:15Z"), at("2026-10-25T01:45Z"));
        assert_eq!(next(&calendar, "2026-10-25T00:00Z"), first);
        assert_eq!(next(&calendar, "2026-10-25T00:45Z"), second);
        assert_eq!(closes(&calendar, "2026-10-25T00:45Z"), None);
        assert_eq!(closes(&calendar, "2026-10-25T01:15Z"), Some(second.1));
        // Hours around the fold are one window, an hour longer than usual.
        let calendar = hours("Europe/London", "00:30", "03:00", "sun");
        assert_eq!(closes(&calendar, "2026-10-24T23:30Z"), Some(at("2026-10-25T03:00Z")));
    }

    #[test]
    fn spans_that_adjoin_merge_up_to_the_horizon() {
        let weekend = hours("UTC", "00:00", "24:00", "sat-sun");
        let both_days = (at("2026-06-06T00:00Z"), at("2026-06-08T00:00Z"));
        assert_eq!(next(&weekend, "2026-06-03T00:00Z"), both_days);
        assert_eq!(next(&weekend, "2026-06-07T12:00Z"), both_days);
        let always = hours("UTC", "00:00", "24:00", "mon-sun");
        assert_eq!(next(&always, "2026-06-10T12:00Z"), (at("2026-06-02T00:00Z"), at("2026-06-19T00:00Z")));
    }

    #[test]
    fn input_that_makes_no_sense_closes_for_ever_and_is_told() {
        let new = || BusinessHours::new("UTC").unwrap();
        for (calendar, message) in [
            (new().hours(9, 25), "invalid closing time: 25; "),
            (new().hours("9.30", 15), "invalid opening time: \"9.30\"; "),
            (new().hours(24, 15), "invalid opening time: 24:00; "),
            (new().hours(9, 9), "invalid hours: 09:00 to 09:00; "),
            (new().days([]), "invalid weekdays: none; "),
        ] {
            let error = Calendar::check(&calendar).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().starts_with(message), "{error}");
            assert!(Exclusion::check(&calendar).is_err());
            assert_eq!(closes(&calendar, "2026-06-05T12:00Z"), None);
            assert_eq!(calendar.next(at("2026-06-05T12:00Z")), Some(Span::ALL));
        }
        Calendar::check(&new().hours(9, 25).hours(9, 15)).unwrap();
        assert!(new().parse_days("mon-fry").is_err());
        assert!(BusinessHours::new("Europe/Lodnon").is_err());
    }

    #[test]
    fn at_the_ends_of_time_it_is_closed_and_leaves_everything_out() {
        for zone in ["UTC", "Pacific/Apia", "America/New_York"] {
            let calendar = hours(zone, "00:00", "24:00", "mon-sun");
            assert_eq!(calendar.window(Timestamp::MAX), None);
            assert_eq!(calendar.next(Timestamp::MAX), Some(Span::ALL));
            assert_eq!(calendar.next(Timestamp::MIN), Some(Span::ALL));
        }
    }
}
