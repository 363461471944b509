use std::sync::Arc;

use chaos_core::{
    BusinessHours, Calendar, Error, Result,
    calendar::{Blackout, CalendarExt, Exclusion, Span},
    catalogue::{Arguments, Parameter, Parameters},
    clock::{Clock, SystemClock},
    steady_state::Probe,
};
use chaos_holidays::{
    Holidays,
    ical::{CalendarFeed, CalendarFile},
};
use chaos_probes::Http;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    reader::{Reader, Section, type_of},
    secret::{Secret, secret},
};

/// `[calendar]`: when chaos is welcome.
#[derive(Clone, Debug)]
pub(crate) struct CalendarSection {
    /// The name of its time zone.
    pub(crate) zone: String,
    /// The hours, without the holidays and the blackouts.
    pub(crate) calendar: Arc<dyn Calendar>,
    /// The company calendars, which are read again now and then.
    pub(crate) files: Vec<Arc<CalendarFile>>,
    /// The company calendars that are fetched now and then.
    pub(crate) feeds: Vec<Arc<FeedSection>>,
}

/// One of `feeds`.
#[derive(Debug)]
pub(crate) struct FeedSection {
    /// Where it stands in the file.
    pub(crate) path: String,
    /// Its address, which is a secret: whoever knows it can read the calendar.
    pub(crate) url: Secret,
    /// The last good copy. Without one, everything is closed.
    pub(crate) feed: CalendarFeed,
}

/// The key of the feeds, which are read by themselves: each is a reference.
pub(super) const FEEDS: &str = "feeds";

/// Its parameters.
pub(super) fn parameters() -> Parameters {
    Parameters::default()
        .with(
            Parameter::text(
                "zone",
                "the time zone of everything here and of the schedule, such as Europe/Berlin",
            )
            .value_name("ZONE")
            .required(),
        )
        .with(Parameter::text("hours", "the hours of a day").value_name("HH:MM-HH:MM").default("09:00-17:00"))
        .with(Parameter::text("days", "the days of a week").value_name("DAYS").default("mon-fri"))
        .with(
            Parameter::text(
                "holidays",
                "a country (DE), a subdivision (DE-BY), or a category of either (DE-BY/catholic)",
            )
            .value_name("CODE")
            .repeated(),
        )
        .with(
            Parameter::flag("bridge-days", "closed on a single day between a holiday and a weekend too")
                .only_with("holidays"),
        )
        .with(
            Parameter::text("blackouts", "a date, or the first and the last of a span: dates or instants")
                .value_name("FIRST..LAST")
                .repeated(),
        )
        .with(
            Parameter::text(
                "files",
                "a company calendar in iCalendar's format, closed while it has an event",
            )
            .value_name("PATH")
            .repeated(),
        )
}

pub(super) fn read(reader: &mut Reader<'_>, mut section: Section) -> Option<CalendarSection> {
    let path = section.path.clone();
    reader.refuse_unknown(&mut section, &parameters(), &[FEEDS]);
    let feeds = section.fields.remove(FEEDS);
    let given = reader.read(section, "a calendar", &parameters())?;
    let at = |field: &str| format!("{path}.{field}");
    let zone = reader.sound(&path, given.text("zone"))?.unwrap_or_default().to_owned();
    let hours = reader.sound(&at("zone"), BusinessHours::new(&zone))?;
    let hours = match hours_of(hours.clone(), &given) {
        Ok(hours) => Some(hours),
        Err((field, error)) => reader.sound(&at(field), Err(error)),
    };
    let codes = reader.sound(&path, given.texts("holidays"))?;
    let mut closed_on = reader.sound(&at("zone"), Holidays::new(&zone))?;
    for (index, code) in codes.iter().enumerate() {
        // Each wrong code is told.
        if let Some(with) = reader.sound(&at(&format!("holidays[{index}]")), closed_on.clone().of(code)) {
            closed_on = with;
        }
    }
    let blackouts = reader.sound(&path, given.texts("blackouts"))?;
    let mut blackout = Blackout::new();
    for (index, text) in blackouts.iter().enumerate() {
        let with = with_blackout(blackout.clone(), &zone, text);
        if let Some(with) = reader.sound(&at(&format!("blackouts[{index}]")), with) {
            blackout = with;
        }
    }
    let now = SystemClock::default().now();
    let mut files = Vec::new();
    for (index, file) in reader.sound(&path, given.texts("files"))?.iter().enumerate() {
        let file = CalendarFile::read(reader.surroundings().path(file), &zone, now);
        files.extend(reader.sound(&at(&format!("files[{index}]")), file).map(Arc::new));
    }
    let feeds = match feeds {
        Some(feeds) => feeds_of(reader, &at(FEEDS), &zone, &feeds)?,
        None => Vec::new(),
    };
    let mut calendar: Arc<dyn Calendar> = Arc::new(hours?);
    if !codes.is_empty() {
        let closed_on = if given.is_given("bridge-days") { closed_on.bridge_days() } else { closed_on };
        calendar = Arc::new(calendar.except(closed_on));
    }
    if !blackouts.is_empty() {
        calendar = Arc::new(calendar.except(blackout));
    }
    for file in &files {
        calendar = Arc::new(calendar.except(Arc::clone(file)));
    }
    for feed in &feeds {
        calendar = Arc::new(calendar.except(Copy(Arc::clone(feed))));
    }
    Some(CalendarSection { zone, calendar, files, feeds })
}

/// The last good copy of a feed, as what it leaves out.
#[derive(Debug)]
struct Copy(Arc<FeedSection>);

impl Exclusion for Copy {
    fn next(&self, at: Timestamp) -> Option<Span> {
        self.0.feed.next(at)
    }
}

fn feeds_of(reader: &mut Reader<'_>, path: &str, zone: &str, feeds: &Value) -> Option<Vec<Arc<FeedSection>>> {
    let Value::Array(references) = feeds else {
        reader.refuse(path, type_of(feeds), "a list of references: [{ env = \"NAME\" }]");
        return None;
    };
    let read: Vec<_> = references
        .iter()
        .enumerate()
        .map(|(index, reference)| {
            let path = format!("{path}[{index}]");
            let url = reader.sound(&path, secret(reference, reader.surroundings()))?;
            if Http::get(url.reveal()).check().is_err() {
                reader.refuse(&path, "an address that is not shown", "an absolute URL over http or https");
                return None;
            }
            let feed = reader.sound(&path, CalendarFeed::new(&path, zone))?;
            Some(Arc::new(FeedSection { path, url, feed }))
        })
        .collect();
    read.into_iter().collect()
}

/// `hours` with the hours and the days that were given. An error comes with its field.
pub(super) fn hours_of(
    mut hours: BusinessHours,
    given: &Arguments,
) -> Result<BusinessHours, (&'static str, Error)> {
    if let Some(days) = given.text("days").map_err(|error| ("days", error))? {
        hours = hours.parse_days(days).map_err(|error| ("days", error))?;
    }
    if let Some(text) = given.text("hours").map_err(|error| ("hours", error))? {
        let wrong = || Error::invalid("hours", format!("{text:?}"), "two times such as 09:00-17:00");
        let (opens, closes) = text.split_once('-').ok_or_else(|| ("hours", wrong()))?;
        hours = hours.hours(opens.trim(), closes.trim());
    }
    Calendar::check(&hours).map_err(|error| ("hours", error))?;
    Ok(hours)
}

/// `blackout` with a date, or with the span between two dates or instants, the last date included.
fn with_blackout(blackout: Blackout, zone: &str, text: &str) -> Result<Blackout> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (first, last) = (first.trim(), last.trim());
    if let (Ok(first), Ok(last)) = (first.parse(), last.parse()) {
        return blackout.dates(zone, first, last);
    }
    match (first.parse(), last.parse()) {
        (Ok(start), Ok(end)) => blackout.between(start, end),
        _ => {
            let expected = "a date such as 2026-12-24, two dates such as 2026-12-21..2027-01-03, or two instants such \
                as 2026-06-01T08:00Z..2026-06-01T09:30Z";
            Err(Error::invalid("blackout", format!("{text:?}"), expected))
        }
    }
}
