//! Dates and times, as properties have them.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
};

use super::{
    duration::{Length, duration},
    lines::Property,
    misread::Read,
    zone::Zone,
    zones::Zones,
};

const EXPECTED: &str = "a date such as 20261221, or a time such as 20261221T090000 or 20261221T080000Z";

/// A date or a time of a calendar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Moment {
    /// A whole day.
    Date(Date),
    /// A time without a zone.
    Floating(DateTime),
    /// A time by the clocks of a zone.
    Zoned(DateTime, Zone),
}

impl Moment {
    /// The one moment of a property.
    pub(super) fn of(property: &Property, zones: &Zones) -> Read<Self> {
        moment(property, &property.value, zones)
    }

    pub(super) fn is_date(&self) -> bool {
        matches!(self, Self::Date(_))
    }

    /// As its own clocks show it; midnight of a date.
    pub(super) fn local(&self) -> DateTime {
        match self {
            Self::Date(date) => date.to_datetime(Time::midnight()),
            Self::Floating(time) | Self::Zoned(time, _) => *time,
        }
    }

    /// As the clocks of this zone show it.
    pub(super) fn local_in(&self, zone: &Zone) -> DateTime {
        match self {
            Self::Zoned(time, own) if own != zone => zone.shows(own.first(*time)),
            _ => self.local(),
        }
    }

    pub(super) fn zone<'a>(&'a self, home: &'a Zone) -> &'a Zone {
        match self {
            Self::Zoned(_, zone) => zone,
            _ => home,
        }
    }

    /// The first instant of it.
    pub(super) fn instant(&self, home: &Zone) -> Timestamp {
        self.zone(home).first(self.local())
    }

    /// From this moment until `end`, which may be before it.
    pub(super) fn until(&self, end: &Self, home: &Zone) -> Length {
        let wall = end.local().duration_since(self.local());
        if self.is_date() && end.is_date() {
            return Length { wall, nominal: wall, exact: SignedDuration::ZERO };
        }
        let exact = end.instant(home).duration_since(self.instant(home));
        // What clocks of two zones show cannot be subtracted.
        let wall = if self.zone(home) == end.zone(home) { wall } else { exact };
        Length { wall, nominal: SignedDuration::ZERO, exact }
    }
}

/// The moments of an `RDATE` or an `EXDATE`. A period has a length of its own.
pub(super) fn list(property: &Property, zones: &Zones) -> Read<Vec<(Moment, Option<Length>)>> {
    let mut moments = Vec::new();
    for text in property.value.split(',') {
        let Some((start, end)) = text.split_once('/') else {
            moments.push((moment(property, text, zones)?, None));
            continue;
        };
        let start = moment(property, start, zones)?;
        let length = match duration(end) {
            Some(length) => length,
            None => start.until(&moment(property, end, zones)?, &zones.home),
        };
        if start.is_date() || length.is_negative() {
            return Err(property.misread("a period that ends after it starts, such as 20261221T080000Z/PT1H"));
        }
        moments.push((start, Some(length)));
    }
    Ok(moments)
}

fn moment(property: &Property, text: &str, zones: &Zones) -> Read<Moment> {
    let text = text.trim();
    let zone = zones.named_by(property)?;
    if let Some(date) = date(text) {
        return Ok(Moment::Date(date));
    }
    if property.parameter("VALUE").is_some_and(|value| value.eq_ignore_ascii_case("DATE")) {
        return Err(property.misread("a date such as 20261221"));
    }
    match (text.strip_suffix('Z').and_then(date_time), date_time(text), zone) {
        (Some(_), _, Some(_)) => Err(property.misread("either a TZID or a time that ends with Z")),
        (Some(time), _, None) => Ok(Moment::Zoned(time, Zone::UTC)),
        (None, Some(time), Some(zone)) => Ok(Moment::Zoned(time, zone)),
        (None, Some(time), None) => Ok(Moment::Floating(time)),
        (None, None, _) => Err(property.misread(EXPECTED)),
    }
}

/// Reads a date such as `20261221`.
pub(super) fn date(text: &str) -> Option<Date> {
    let is_date = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_date {
        return None;
    }
    Date::new(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?).ok()
}

/// Reads a local time such as `20261221T090000`.
pub(super) fn date_time(text: &str) -> Option<DateTime> {
    let (day, time) = text.split_once('T')?;
    let is_time = time.len() == 6 && time.bytes().all(|byte| byte.is_ascii_digit());
    if !is_time {
        return None;
    }
    let (hour, minute) = (time[..2].parse().ok()?, time[2..4].parse().ok()?);
    // A leap second has no name here.
    let second: i8 = time[4..].parse::<i8>().ok().filter(|second| *second <= 60)?.min(59);
    Some(date(day)?.to_datetime(Time::new(hour, minute, second, 0).ok()?))
}
