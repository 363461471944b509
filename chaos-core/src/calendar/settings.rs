//! Calendars as text, for settings in a file or on a command line.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::{Blackout, BusinessHours, Calendar};
use crate::error::{Error, Result};

impl FromStr for BusinessHours {
    type Err = Error;

    /// Reads the zone, and after it, if they are not the usual ones, the days and the hours: `Europe/London mon-thu
    /// 09:30-17:00`.
    fn from_str(text: &str) -> Result<Self> {
        let mut words = text.split_whitespace();
        let mut read = Self::new(words.next().unwrap_or_default())?;
        let (mut days, mut hours) = (None, None);
        for word in words {
            let place = if word.contains(':') { &mut hours } else { &mut days };
            if place.replace(word).is_some() {
                let expected = "a zone, days and hours such as \"Europe/London mon-thu 09:30-17:00\"";
                return Err(Error::invalid("business hours", format!("{text:?}"), expected));
            }
        }
        if let Some(days) = days {
            read = read.parse_days(days)?;
        }
        if let Some(hours) = hours {
            let (opens, closes) = hours.split_once('-').ok_or_else(|| {
                Error::invalid("hours", format!("{hours:?}"), "two times such as 09:00-17:00")
            })?;
            read = read.hours(opens, closes);
        }
        Calendar::check(&read)?;
        Ok(read)
    }
}

impl FromStr for Blackout {
    type Err = Error;

    /// Reads spans between commas: two instants (`2026-06-01T08:00Z/2026-06-01T09:30Z`), or the first and the last of
    /// some dates with their zone (`2026-12-21/2027-01-03 Europe/London`).
    fn from_str(text: &str) -> Result<Self> {
        let mut spans = text.split(',').map(str::trim).filter(|span| !span.is_empty());
        spans.try_fold(Self::new(), |blackout, span| {
            let wrong = || {
                let expected = "two instants such as 2026-06-01T08:00Z/2026-06-01T09:30Z, or two dates and a zone such \
                    as 2026-12-21/2027-01-03 Europe/London";
                Error::invalid("blackout", format!("{span:?}"), expected)
            };
            match span.split_once(char::is_whitespace) {
                Some((dates, zone)) => {
                    let (first, last) = dates.split_once('/').unwrap_or((dates, dates));
                    let first = first.parse().map_err(|error| wrong().caused_by(Box::new(error)))?;
                    let last = last.parse().map_err(|error| wrong().caused_by(Box::new(error)))?;
                    blackout.dates(zone.trim(), first, last)
                }
                None => {
                    let (start, end) = span.split_once('/').ok_or_else(wrong)?;
                    let start = start.parse().map_err(|error| wrong().caused_by(Box::new(error)))?;
                    let end = end.parse().map_err(|error| wrong().caused_by(Box::new(error)))?;
                    blackout.between(start, end)
                }
            }
        })
    }
}

impl fmt::Display for Blackout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, span) in self.spans().iter().enumerate() {
            write!(f, "{}{}/{}", if index == 0 { "" } else { ", " }, span.start(), span.end())?;
        }
        Ok(())
    }
}

impl Serialize for BusinessHours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.settings().map_err(ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for BusinessHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Blackout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Blackout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn business_hours_are_read_and_written_as_text() {
        for (text, canonical) in [
            ("Europe/London", "Europe/London mon-fri 09:00-17:00"),
            ("UTC 22:00-4:00", "UTC mon-fri 22:00-04:00"),
            ("UTC 0:00-24:00 sat-mon,wed", "UTC mon,wed,sat-sun 00:00-24:00"),
        ] {
            let read: BusinessHours = text.parse().unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), canonical);
            let again: BusinessHours = serde_json::from_value(canonical.into()).unwrap();
            assert_eq!(format!("{again:?}"), format!("{read:?}"));
        }
        for (text, expected) in [
            ("", "invalid time zone: \"\"; "),
            ("Mars", "invalid time zone: \"Mars\"; "),
            ("UTC mno-fri", "invalid weekday: \"mno\"; "),
            ("UTC 9:00", "invalid hours: \"9:00\"; "),
            ("UTC 9:00-25:00", "invalid closing time: \"25:00\"; "),
            ("UTC mon tue", "invalid business hours: \"UTC mon tue\"; "),
        ] {
            let error = text.parse::<BusinessHours>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        let typo = BusinessHours::new("UTC").unwrap().hours(9, 25);
        assert!(serde_json::to_value(typo).unwrap_err().to_string().contains("25"));
    }

    #[test]
    fn blackouts_are_read_and_written_as_text() {
        let text = "2026-12-21/2027-01-03 Europe/London, 2026-06-01T08:00Z/2026-06-01T09:30Z";
        let read: Blackout = text.parse().unwrap();
        let canonical =
            "2026-06-01T08:00:00Z/2026-06-01T09:30:00Z, 2026-12-21T00:00:00Z/2027-01-04T00:00:00Z";
        assert_eq!(serde_json::to_value(&read).unwrap(), canonical);
        assert_eq!(serde_json::from_value::<Blackout>(canonical.into()).unwrap(), read);
        assert_eq!("".parse::<Blackout>().unwrap(), Blackout::new());
        for (text, expected) in [
            ("tomorrow", "invalid blackout: \"tomorrow\"; "),
            ("2026-12-21/later UTC", "invalid blackout: \"2026-12-21/later UTC\"; "),
            ("2026-06-01T08:00Z/2026-06-01T07:00Z", "invalid span: "),
            ("2026-12-21/2026-12-20 UTC", "invalid dates: "),
            ("2026-12-21/2026-12-22 Mars", "invalid time zone: "),
        ] {
            let error = text.parse::<Blackout>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
}
