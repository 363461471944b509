use jiff::civil::{Date, DateTime};

use super::{hours::Hours, time_of_day::END_OF_DAY, weekdays::Weekdays};

/// The open hours of every week, in civil time: no zone, no instants.
///
/// Hours that cross midnight belong to the weekday on which they open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Week {
    pub(super) hours: Hours,
    pub(super) days: Weekdays,
}

impl Week {
    /// The date on which the span around `time` opens, or `None` while closed.
    pub(super) fn opened(self, time: DateTime) -> Option<Date> {
        let minute = minute_of_day(time);
        let Hours { opens, closes } = self.hours;
        let date = if !self.hours.over_midnight() {
            (opens..closes).contains(&minute).then(|| time.date())
        } else if minute >= opens {
            Some(time.date())
        } else if minute < closes {
            time.date().yesterday().ok()
        } else {
            None
        };
        date.filter(|date| self.days.contains(date.weekday()))
    }

    /// The opening time of the span of this date.
    pub(super) fn opens(self, date: Date) -> DateTime {
        at_minute(date, self.hours.opens)
    }

    /// The closing time of the span that opens on this date. `None` beyond the last representable date.
    pub(super) fn closes(self, date: Date) -> Option<DateTime> {
        let Hours { closes, .. } = self.hours;
        let tomorrow = || date.tomorrow().ok();
        match closes {
            END_OF_DAY => Some(at_minute(tomorrow()?, 0)),
            _ if self.hours.over_midnight() => Some(at_minute(tomorrow()?, closes)),
            _ => Some(at_minute(date, closes)),
        }
    }

    /// The first opening after `time`. `None` beyond the last representable date.
    pub(super) fn next_opening(self, time: DateTime) -> Option<DateTime> {
        let mut date = time.date();
        while !self.days.contains(date.weekday()) || self.opens(date) <= time {
            date = date.tomorrow().ok()?;
        }
        Some(self.opens(date))
    }
}

fn minute_of_day(time: DateTime) -> u16 {
    // The fields of a civil time are never negative.
    u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs())
}

fn at_minute(date: Date, minute: u16) -> DateTime {
    // Both are in range: the hour is at most 23, the minute at most 59.
    date.at((minute / 60) as i8, (minute % 60) as i8, 0, 0)
}
