use std::sync::Arc;

use super::{
    duration::{Length, duration},
    lines::{Component, Property},
    misread::{Misread, Read},
    moment::{Moment, list},
    reason::reason,
    rule::Rule,
    zones::Zones,
};

/// A `VEVENT`.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) line: usize,
    /// Events of the same one are versions or instances of one another.
    pub(super) uid: Option<&'a str>,
    /// The highest version is valid.
    pub(super) sequence: i64,
    pub(super) is_cancelled: bool,
    pub(super) start: Moment,
    pub(super) length: Length,
    pub(super) reason: Arc<str>,
    pub(super) rules: Vec<Rule<'a>>,
    pub(super) more: Vec<(Moment, Option<Length>)>,
    pub(super) excepted: Vec<Moment>,
    pub(super) replaces: Option<Replaced>,
}

/// The instances that an event stands for.
#[derive(Debug)]
pub(super) struct Replaced {
    /// When the first of them would have begun.
    pub(super) id: Moment,
    pub(super) and_future: bool,
}

impl<'a> Event<'a> {
    pub(super) fn of(component: &'a Component, zones: &Zones, name: &str) -> Read<Self> {
        let Some(property) = component.one("DTSTART")? else {
            return Err(Misread::new(component.line, "VEVENT", "a DTSTART in it"));
        };
        let start = Moment::of(property, zones)?;
        let (start, length) = span(component, start, zones)?;
        let sequence = match component.one("SEQUENCE")? {
            None => 0,
            Some(sequence) => sequence.value.trim().parse().map_err(|_| sequence.misread("a number"))?,
        };
        let status = component.one("STATUS")?.map(|status| status.value.trim());
        let mut more = Vec::new();
        for property in component.all("RDATE") {
            more.extend(list(property, zones)?);
        }
        let mut excepted = Vec::new();
        for property in component.all("EXDATE") {
            excepted.extend(list(property, zones)?.into_iter().map(|(moment, _)| moment));
        }
        Ok(Self {
            line: component.line,
            uid: component.one("UID")?.map(|uid| uid.value.as_str()),
            sequence,
            is_cancelled: status.is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")),
            start,
            length,
            reason: reason(component.all("SUMMARY").next().map(|summary| summary.value.as_str()), name),
            rules: component.all("RRULE").map(Rule::of).collect::<Read<_>>()?,
            more,
            excepted,
            replaces: component.one("RECURRENCE-ID")?.map(|id| replaced(id, zones)).transpose()?,
        })
    }
}

/// When an event begins, and how long it lasts. If its end is before its start, the time between them counts.
///
/// See [RFC 5545, 3.6.1](https://www.rfc-editor.org/rfc/rfc5545#section-3.6.1).
fn span(component: &Component, start: Moment, zones: &Zones) -> Read<(Moment, Length)> {
    let mut lengths = Vec::new();
    let mut begin = start.clone();
    if let Some(property) = component.one("DTEND")? {
        let end = Moment::of(property, zones)?;
        let length = start.until(&end, &zones.home);
        if length.is_negative() {
            lengths.push(end.until(&start, &zones.home));
            begin = end;
        } else {
            lengths.push(length);
        }
    }
    if let Some(property) = component.one("DURATION")? {
        let length = duration(property.value.trim());
        let length = length.ok_or_else(|| property.misread("a duration such as PT1H30M or P2D"))?;
        if length.is_negative() {
            return Err(property.misread("a duration that is not negative"));
        }
        lengths.push(length);
    }
    let length = lengths.into_iter().max_by_key(|length| length.wall);
    let length = length.unwrap_or(if start.is_date() { Length::DAY } else { Length::default() });
    // Whole days that end on the day on which they begin, as some programs write them.
    let length = if start.is_date() && length.wall.is_zero() { Length::DAY } else { length };
    Ok((begin, length))
}

fn replaced(id: &Property, zones: &Zones) -> Read<Replaced> {
    let and_future = match id.parameter("RANGE") {
        None => false,
        Some(range) if range.eq_ignore_ascii_case("THISANDFUTURE") => true,
        Some(_) => return Err(id.misread("a RANGE of THISANDFUTURE")),
    };
    Ok(Replaced { id: Moment::of(id, zones)?, and_future })
}
