//! Company calendars: what their files mean, beside PyPI's `recurring-ical-events`, and what hostile ones do.

mod files;
mod fuzz;
mod oracle;
mod random;
mod sources;

use chaos_core::{
    calendar::{Exclusion, Span},
    error::Result,
};
use chaos_holidays::ical::CompanyCalendar;
use jiff::Timestamp;

const OUTLOOK: &str = include_str!("files/outlook.ics");
const GOOGLE: &str = include_str!("files/google.ics");
const EVERYTHING: &str = include_str!("files/everything.ics");
const EMPTY: &str = include_str!("files/empty.ics");

/// When files are read: their events are known from 2025 to 2028.
const READ_AT: &str = "2026-06-01T00:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn parse(text: impl AsRef<[u8]>, zone: &str) -> Result<CompanyCalendar> {
    CompanyCalendar::parse("company.ics", text, zone, at(READ_AT))
}

/// A calendar with these lines in one event.
fn event(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{}\nEND:VEVENT\nEND:VCALENDAR\n", lines.trim())
}

/// The spans within the period that a calendar knows.
fn spans(calendar: &CompanyCalendar) -> Vec<Span> {
    let period = calendar.period();
    let mut spans = Vec::new();
    let mut instant = period.start;
    while let Some(span) = calendar.next(instant)
        && span.start() < period.end
    {
        instant = span.end();
        spans.push(span);
    }
    spans
}

/// The same as seconds, and those that touch as one.
fn seconds(calendar: &CompanyCalendar) -> Vec<(i64, i64)> {
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for span in spans(calendar) {
        let (start, end) = (span.start().as_second(), span.end().as_second());
        match merged.last_mut() {
            Some((_, last)) if *last >= start => *last = end.max(*last),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// The spans of one summary, in UTC and without their zero seconds.
fn of(calendar: &CompanyCalendar, summary: &str) -> Vec<String> {
    let reason = format!("{summary} (company.ics)");
    let shown = |at: Timestamp| at.to_string().strip_suffix(":00Z").unwrap().to_owned();
    let ours = spans(calendar).into_iter().filter(|span| span.reason() == Some(&*reason));
    ours.map(|span| format!("{}/{}", shown(span.start()), shown(span.end()))).collect()
}
