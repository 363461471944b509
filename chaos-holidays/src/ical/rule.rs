//! Recurrence rules.
//!
//! They are expanded by the clocks of the event, as if these never changed: the crate is asked in UTC, and the caller
//! turns times into instants. So the crate needs no zones, and a time that the clocks skip is not lost.

use std::ops::Range;

use icalendar::rrule::RRuleSet;
use jiff::{SignedDuration, Timestamp, ToSpan, civil::DateTime, tz::Offset};

use super::{
    lines::Property,
    misread::Read,
    moment::{Moment, date, date_time},
    work::{Work, at_most, is_flood, is_too_long, too_long},
    zone::Zone,
};

/// The parts that are understood.
const PARTS: [&str; 14] = [
    "FREQ",
    "UNTIL",
    "COUNT",
    "INTERVAL",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
];

/// How often a rule may fit within an hour or a day.
const MOST_TIMES: usize = 24;

/// How far behind the end of what is asked a rule may fit next, in days, without counting as one that hardly ever fits.
const FAR: i64 = 3660;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frequency {
    Yearly,
    Monthly,
    Weekly,
    Daily,
    Hourly,
}

/// When a rule ends.
#[derive(Clone, Copy, Debug)]
enum Until {
    Date(jiff::civil::Date),
    Floating(DateTime),
    Instant(Timestamp),
}

/// An `RRULE`.
#[derive(Debug)]
pub(super) struct Rule<'a> {
    property: &'a Property,
    frequency: Frequency,
    interval: i64,
    count: Option<u32>,
    until: Option<Until>,
    /// Without its `UNTIL`.
    text: String,
}

impl<'a> Rule<'a> {
    pub(super) fn of(property: &'a Property) -> Read<Self> {
        let mut parts: Vec<(String, &str)> = Vec::new();
        for part in property.value.trim().trim_end_matches(';').split(';') {
            let Some((name, value)) = part.split_once('=') else {
                return Err(property.misread(format!("NAME=VALUE instead of {part:?}")));
            };
            let name = name.to_ascii_uppercase();
            let is_known = PARTS.contains(&name.as_str()) && parts.iter().all(|(known, _)| *known != name);
            let is_plain = !value.is_empty()
                && value
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b','))
                && value.split(',').all(|item| !item.is_empty());
            if !is_known || !is_plain {
                return Err(
                    property.misread(format!("parts of {}, each once and with a value", PARTS.join(", ")))
                );
            }
            parts.push((name, value));
        }
        let part = |name: &str| parts.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        let frequency = match part("FREQ").map(str::to_ascii_uppercase).as_deref() {
            Some("YEARLY") => Frequency::Yearly,
            Some("MONTHLY") => Frequency::Monthly,
            Some("WEEKLY") => Frequency::Weekly,
            Some("DAILY") => Frequency::Daily,
            Some("HOURLY") => Frequency::Hourly,
            Some("MINUTELY" | "SECONDLY") => {
                return Err(
                    property.misread("a FREQ of HOURLY or longer: this one would be a flood of instances")
                );
            }
            _ => return Err(property.misread("a FREQ of YEARLY, MONTHLY, WEEKLY, DAILY or HOURLY")),
        };
        let number = |name: &str| match part(name).map(str::parse::<u32>) {
            None => Ok(None),
            Some(Ok(number)) if number > 0 => Ok(Some(number)),
            Some(_) => Err(property.misread(format!("a positive number as its {name}"))),
        };
        let interval = number("INTERVAL")?.unwrap_or(1);
        let count = number("COUNT")?;
        let until = part("UNTIL").map(|text| until(property, text)).transpose()?;
        if count.is_some() && until.is_some() {
            return Err(property.misread("either a COUNT or an UNTIL"));
        }
        let within = match (frequency, part("BYMONTH"), part("BYWEEKNO")) {
            (Frequency::Yearly, None, None) => Some(53),
            (Frequency::Yearly, Some(_), None) | (Frequency::Monthly, _, None) => Some(5),
            _ => None,
        };
        check_weekdays(property, part("BYDAY"), within)?;
        let of_each = |name: &str| part(name).map_or(1, |value| value.split(',').count());
        let minutes = of_each("BYMINUTE") * of_each("BYSECOND");
        let times = if frequency == Frequency::Hourly { minutes } else { minutes * of_each("BYHOUR") };
        if times > MOST_TIMES || (frequency == Frequency::Hourly && minutes > 1) {
            return Err(
                property.misread("fewer hours, minutes and seconds: this would be a flood of instances")
            );
        }
        let kept = parts.iter().filter(|(name, _)| name != "UNTIL");
        let text = kept.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(";");
        Ok(Self { property, frequency, interval: i64::from(interval), count, until, text })
    }

    /// The times within a span at which an event recurs that first happens at `first`, by the clocks of `zone`. The
    /// first one itself is among them only if the rule fits it.
    pub(super) fn times(
        &self,
        first: &Moment,
        span: Range<DateTime>,
        zone: &Zone,
        work: &mut Work,
    ) -> Read<Vec<DateTime>> {
        let is_over = |time: DateTime| {
            let earlier = time.checked_sub(2.days()).unwrap_or(DateTime::MIN);
            !self.includes(earlier, zone, first.is_date())
        };
        let start = self.skip_ahead(first.local(), span.start);
        if start > span.end || is_over(start) {
            return Ok(Vec::new());
        }
        let steps = self.steps(start, span.end);
        work.spend_steps(self.count.map_or(steps, |count| steps.min(u64::from(count))), self.property)?;
        let refused = |error| self.property.misread("a rule that is understood").caused_by(error);
        let rules = format!("DTSTART:{}Z\nRRULE:{}", start.strftime("%Y%m%dT%H%M%S"), self.text);
        let rules: RRuleSet = rules.parse().map_err(refused)?;
        let mut times = Vec::new();
        let mut produced = 0;
        for instant in &rules.limit() {
            let Ok(instant) = Timestamp::from_second(instant.timestamp()) else { break };
            let time = Offset::UTC.to_datetime(instant);
            produced += 1;
            if time >= span.end || is_over(time) {
                if days_between(span.end, time) > FAR {
                    work.spend_misfit(self.property)?;
                }
                return Ok(times);
            }
            if time >= span.start && self.includes(time, zone, first.is_date()) {
                times.push(time);
                if is_flood(times.len()) {
                    return Err(self.property.misread(at_most()));
                }
            }
        }
        if self.count.is_none_or(|count| produced < count) {
            if is_too_long(steps) {
                return Err(too_long(self.property));
            }
            work.spend_misfit(self.property)?;
        }
        Ok(times)
    }

    /// The first of the times from which on the rule can be followed as from `first`: a whole number of its periods
    /// later. A rule with a count must be counted from its start.
    fn skip_ahead(&self, first: DateTime, target: DateTime) -> DateTime {
        let skipped = |hours: i64| {
            let period = hours * self.interval;
            let periods = (target.duration_since(first).as_hours() / period - 1).max(0);
            first.checked_add(SignedDuration::from_hours(periods * period))
        };
        let is_on_each_month = first.day() <= 28;
        let months = |of_period: i64| {
            let period = of_period * self.interval;
            // Of at most 31 days each, so that it is not too many.
            let periods = (days_between(first, target) / 31 / period - 1).max(0);
            first.checked_add((periods * period).months())
        };
        let start = match self.frequency {
            _ if self.count.is_some() => Ok(first),
            Frequency::Yearly if is_on_each_month => months(12),
            Frequency::Monthly if is_on_each_month => months(1),
            Frequency::Yearly | Frequency::Monthly => Ok(first),
            Frequency::Weekly => skipped(7 * 24),
            Frequency::Daily => skipped(24),
            Frequency::Hourly => skipped(1),
        };
        start.unwrap_or(first)
    }

    /// How many periods, and times in each, are looked at between the two at most.
    fn steps(&self, start: DateTime, end: DateTime) -> u64 {
        let hours = match self.frequency {
            Frequency::Yearly => 365 * 24,
            Frequency::Monthly => 28 * 24,
            Frequency::Weekly => 7 * 24,
            Frequency::Daily => 24,
            Frequency::Hourly => 1,
        };
        // A step of a year costs as much as ten of a day.
        let weight = if self.frequency == Frequency::Yearly { 10 } else { 1 };
        let hours_between = end.duration_since(start).as_hours().unsigned_abs();
        weight * (1 + hours_between / (hours * self.interval.unsigned_abs()))
    }

    /// Whether the end is not before this time. In doubt it is not.
    fn includes(&self, time: DateTime, zone: &Zone, is_date: bool) -> bool {
        match self.until {
            None => true,
            Some(Until::Date(date)) => time.date() <= date,
            Some(Until::Floating(until)) => time <= until,
            Some(Until::Instant(until)) => {
                // The end of whole days is often told as a time in UTC, which may be on the day before.
                let is_on_last_day = is_date && time.date() <= Offset::UTC.to_datetime(until).date();
                zone.first(time) <= until || is_on_last_day
            }
        }
    }
}

fn days_between(start: DateTime, end: DateTime) -> i64 {
    end.duration_since(start).as_hours() / 24
}

fn until(property: &Property, text: &str) -> Read<Until> {
    if let Some(date) = date(text) {
        return Ok(Until::Date(date));
    }
    if let Some(time) = date_time(text) {
        return Ok(Until::Floating(time));
    }
    let in_utc = text.strip_suffix('Z').and_then(date_time).map(|time| Zone::UTC.first(time));
    in_utc
        .map(Until::Instant)
        .ok_or_else(|| property.misread("an UNTIL such as 20261221 or 20261221T080000Z"))
}

/// Weekdays with an ordinal have a meaning only in a month or a year, which has `most` of each. The crate reads
/// anything before the two letters.
fn check_weekdays(property: &Property, weekdays: Option<&str>, most: Option<u8>) -> Read<()> {
    let Some(weekdays) = weekdays else { return Ok(()) };
    let mut ordinals = Vec::new();
    for weekday in weekdays.split(',') {
        let (ordinal, day) =
            weekday.split_at_checked(weekday.len().saturating_sub(2)).unwrap_or((weekday, ""));
        let is_day =
            ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].iter().any(|known| known.eq_ignore_ascii_case(day));
        let parsed = ordinal.parse::<i8>().ok().filter(|ordinal| *ordinal != 0);
        if !is_day || (parsed.is_none() && !ordinal.is_empty()) {
            return Err(property.misread("a BYDAY such as MO, 2TU or -1FR"));
        }
        ordinals.push(parsed);
    }
    if ordinals.iter().all(Option::is_none) {
        return Ok(());
    }
    match most {
        Some(most) if ordinals.iter().all(Option::is_some) => {
            if ordinals.into_iter().flatten().any(|ordinal| ordinal.unsigned_abs() > most) {
                return Err(property.misread("weekdays of which there are so many: in a month at most five"));
            }
            Ok(())
        }
        _ => Err(property.misread(
            "weekdays with an ordinal such as 2TU only in a month or a year, and then for each of them",
        )),
    }
}
