use std::{fs, ops::Range, path::Path, sync::Arc};

use chaos_core::{
    Error, ErrorKind, Result,
    calendar::{Exclusion, Span, time_zone},
    text::escaped,
};
use jiff::{
    Timestamp,
    civil::date,
    tz::{Offset, TimeZone},
};

use super::{
    event::Event,
    instances::{Instance, spans},
    lines::{Component, calendars},
    misread::{Misread, Read},
    observances::zones,
    series::instances,
    work::Work,
};

/// How many events a file may have.
const MOST_EVENTS: usize = 10_000;

/// The events of an iCalendar text, as time that a calendar leaves out. Each span has the summary of its event as the
/// reason, as in `Code freeze (company.ics)`.
///
/// It never changes. [The module](crate::ical) says what it understands and when it is closed in doubt.
///
/// ```
/// use chaos_core::{BusinessHours, Calendar, calendar::CalendarExt};
/// use chaos_holidays::ical::CompanyCalendar;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let text = "\
/// BEGIN:VCALENDAR
/// BEGIN:VEVENT
/// SUMMARY:Release day
/// DTSTART;VALUE=DATE:20260106
/// RRULE:FREQ=MONTHLY;BYDAY=1TU
/// END:VEVENT
/// END:VCALENDAR
/// ";
/// let read_at = "2026-01-01T00:00:00Z".parse()?;
/// let releases = CompanyCalendar::parse("company.ics", text, "Europe/Berlin", read_at)?;
/// let calendar = BusinessHours::new("Europe/Berlin")?.except(releases);
/// assert!(calendar.window("2026-02-02T10:00:00Z".parse()?).is_some());
/// let tuesday = "2026-02-03T10:00:00Z".parse()?;
/// assert!(calendar.window(tuesday).is_none());
/// assert_eq!(calendar.next_opening(tuesday), Some("2026-02-04T08:00:00Z".parse()?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CompanyCalendar {
    name: Arc<str>,
    period: Range<Timestamp>,
    /// In order, and apart.
    spans: Arc<[Span]>,
}

impl CompanyCalendar {
    /// Reads a text. `name` is shown in reasons and errors, so it must not be an address that holds a secret. `zone` is
    /// the IANA name of the zone of whole days and of times that name none. Events are known from the start of the year
    /// before `at` to the end of the second year after it.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown zone, and for a text that is not understood, with its first such line.
    pub fn parse(name: &str, text: impl AsRef<[u8]>, zone: &str, at: Timestamp) -> Result<Self> {
        Self::read(name, text.as_ref(), &time_zone(zone)?, at)
    }

    /// Reads a file, whose name is shown in reasons and errors. It blocks until the file is read.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); and `NotFound`, `Denied` or `Unavailable` if the file cannot be read, with its path.
    pub fn file(path: impl AsRef<Path>, zone: &str, at: Timestamp) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(&file_name(path), contents(path)?, zone, at)
    }

    pub(super) fn read(name: &str, text: &[u8], zone: &TimeZone, at: Timestamp) -> Result<Self> {
        let name = escaped(name).to_string();
        let period = period(at);
        let found = found(&name, text, zone, &period).map_err(|misread| misread.of(&name))?;
        let early = Span::new(Timestamp::MIN, period.start)?
            .because(format!("the events of {name} are known from {} on", day(period.start)));
        let late = Span::new(period.end, Timestamp::MAX)?
            .because(format!("the events of {name} are known until {}", day(period.end)));
        let within = spans(found, &period)?;
        let spans = std::iter::once(early).chain(within).chain([late]).collect();
        Ok(Self { name: name.into(), period, spans })
    }

    /// As it is shown in reasons.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first instant at which events are known, and the first one after.
    pub fn period(&self) -> Range<Timestamp> {
        self.period.clone()
    }
}

impl Exclusion for CompanyCalendar {
    fn next(&self, at: Timestamp) -> Option<Span> {
        let index = self.spans.partition_point(|span| span.start() <= at && !span.contains(at));
        self.spans.get(index).cloned()
    }
}

/// What events are looked for in. Within a year it is the same whenever a file is read, so that two monkeys agree.
pub(super) fn period(at: Timestamp) -> Range<Timestamp> {
    let year = Offset::UTC.to_datetime(at).year();
    let start = |year: i16| Offset::UTC.to_timestamp(date(year.clamp(-9998, 9999), 1, 1).at(0, 0, 0, 0));
    let from = start(year.saturating_sub(1)).unwrap_or(Timestamp::MIN);
    from..start(year.saturating_add(3)).unwrap_or(Timestamp::MAX)
}

fn day(at: Timestamp) -> jiff::civil::Date {
    Offset::UTC.to_datetime(at).date()
}

fn found(name: &str, text: &[u8], zone: &TimeZone, period: &Range<Timestamp>) -> Read<Vec<Instance>> {
    let mut found = Vec::new();
    let mut work = Work::new();
    let mut count = 0;
    for calendar in calendars(text)? {
        if let Some(scale) = calendar.one("CALSCALE")?
            && !scale.value.trim().eq_ignore_ascii_case("GREGORIAN")
        {
            return Err(scale.misread("GREGORIAN"));
        }
        let zones = zones(&calendar, zone)?;
        let mut components = Vec::new();
        collect(&calendar, &mut components);
        count += components.len();
        if count > MOST_EVENTS {
            let found = format!("{count} events");
            return Err(Misread::new(calendar.line, &found, format!("at most {MOST_EVENTS} events")));
        }
        let events = components.into_iter().map(|component| Event::of(component, &zones, name));
        found.extend(instances(events.collect::<Read<_>>()?, &zones, period, &mut work)?);
    }
    Ok(found)
}

/// The events in a component, wherever they are.
fn collect<'a>(component: &'a Component, events: &mut Vec<&'a Component>) {
    for inner in &component.components {
        if inner.name == "VEVENT" {
            events.push(inner);
        }
        collect(inner, events);
    }
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

pub(super) fn contents(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            _ => ErrorKind::Unavailable,
        };
        Error::new(kind, format!("the calendar {} cannot be read", escaped(&path.to_string_lossy())))
            .caused_by(error)
    })
}
