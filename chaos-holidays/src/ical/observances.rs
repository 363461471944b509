//! Zones that a calendar describes itself, in a `VTIMEZONE`.

use jiff::{
    civil::{DateTime, date},
    tz::{Offset, TimeZone},
};

use super::{
    lines::Component,
    misread::{Misread, Read},
    moment::{Moment, date_time, list},
    rule::Rule,
    transitions::Transitions,
    work::Work,
    zones::{Zones, known},
};

/// Until which year a zone is followed. No calendar is expanded as far as this.
const LAST: i16 = 2100;

/// The zones of a calendar: those that are known, and those that it describes.
pub(super) fn zones(calendar: &Component, home: &TimeZone) -> Read<Zones> {
    let mut zones = Zones::new(home.clone());
    let mut work = Work::new();
    for component in calendar.components.iter().filter(|component| component.name == "VTIMEZONE") {
        if let Some(name) = component.one("TZID")?
            && known(&name.value).is_none()
        {
            zones.describe(&name.value, transitions(component, &mut work)?);
        }
    }
    Ok(zones)
}

fn transitions(component: &Component, work: &mut Work) -> Read<Transitions> {
    let mut changes = Vec::new();
    for part in &component.components {
        if !matches!(part.name.as_str(), "STANDARD" | "DAYLIGHT") {
            continue;
        }
        let (before, after) = (offset(part, "TZOFFSETFROM")?, offset(part, "TZOFFSETTO")?);
        for onset in onsets(part, before, work)? {
            if let Ok(at) = before.to_timestamp(onset) {
                changes.push((at, before, after));
            }
        }
    }
    Transitions::new(changes).ok_or_else(|| {
        Misread::new(component.line, "VTIMEZONE", "a STANDARD or a DAYLIGHT with a DTSTART in it")
    })
}

/// The times, by the clocks before each, at which an observance begins.
fn onsets(part: &Component, from: Offset, work: &mut Work) -> Read<Vec<DateTime>> {
    let Some(start) = part.one("DTSTART")? else {
        return Err(Misread::new(part.line, &part.name, "a DTSTART in it"));
    };
    let first =
        date_time(&start.value).ok_or_else(|| start.misread("a local time such as 19701025T030000"))?;
    let mut onsets = vec![first];
    let zones = Zones::fixed(from);
    for property in part.all("RDATE") {
        for (moment, _) in list(property, &zones)? {
            onsets.push(moment.local_in(&zones.home));
        }
    }
    for property in part.all("RRULE") {
        let rule = Rule::of(property)?;
        let last = date(LAST, 1, 1).at(0, 0, 0, 0);
        onsets.extend(rule.times(&Moment::Floating(first), first..last, &zones.home, work)?);
    }
    Ok(onsets)
}

/// An offset such as `+0100` or `-093000`.
fn offset(part: &Component, name: &str) -> Read<Offset> {
    let Some(property) = part.one(name)? else {
        return Err(Misread::new(part.line, &part.name, format!("a {name} in it")));
    };
    parsed_offset(&property.value).ok_or_else(|| property.misread("an offset such as +0100"))
}

fn parsed_offset(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let is_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits || !matches!(digits.len(), 4 | 6) {
        return None;
    }
    let part = |start: usize| digits.get(start..start + 2).map_or(Some(0), |part| part.parse::<i32>().ok());
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    if minutes > 59 || seconds > 59 {
        return None;
    }
    Offset::from_seconds(sign * (3600 * hours + 60 * minutes + seconds)).ok()
}
