use std::sync::{Mutex, MutexGuard, PoisonError};

use chaos_core::{
    Error, Result,
    calendar::{Exclusion, Span, time_zone},
    text::escaped,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::company_calendar::CompanyCalendar;

/// How long a copy counts.
const LASTS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A company calendar that is fetched again and again, such as from a URL. The last good copy counts for a week; after
/// that, everything is left out, and before the first copy as well.
///
/// It fetches nothing itself. Hand it what you fetch by [`take`](Self::take), and tell it by [`fail`](Self::fail) if
/// there is nothing. It is shared by an [`Arc`](std::sync::Arc).
///
/// Because a copy lasts a week, a feed knows of no opening later than that. To look further ahead, parse the text as a
/// [`CompanyCalendar`].
///
/// ```
/// use chaos_core::calendar::Exclusion;
/// use chaos_holidays::ical::CalendarFeed;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let feed = CalendarFeed::new("the company's calendar", "Europe/Berlin")?;
/// let monday = "2026-01-05T10:00:00Z".parse()?;
/// assert!(feed.next(monday).ok_or("open")?.contains(monday));
///
/// feed.take("BEGIN:VCALENDAR\nEND:VCALENDAR\n", monday)?;
/// assert!(!feed.next(monday).ok_or("never closed")?.contains(monday));
///
/// let next_monday = "2026-01-12T10:00:00Z".parse()?;
/// let stale = feed.next(next_monday).ok_or("open")?;
/// assert!(stale.contains(next_monday));
/// let reason = "the last good copy of the company's calendar is a week old, from 2026-01-05T10:00:00Z";
/// assert_eq!(stale.reason(), Some(reason));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct CalendarFeed {
    name: String,
    zone: TimeZone,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    copy: Option<Copy>,
    error: Option<Error>,
}

/// The last good one.
#[derive(Debug)]
struct Copy {
    calendar: CompanyCalendar,
    fetched: Timestamp,
}

impl CalendarFeed {
    /// A feed without a copy. `name` is shown in reasons and errors, so it must not be an address that holds a secret.
    /// `zone` is the IANA name of the zone of whole days and of times that name none.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown zone.
    pub fn new(name: &str, zone: &str) -> Result<Self> {
        Ok(Self { name: escaped(name).to_string(), zone: time_zone(zone)?, state: Mutex::default() })
    }

    /// Takes a text that was fetched at an instant. From then on it counts for a week, instead of the copy before.
    ///
    /// # Errors
    /// As [`CompanyCalendar::parse`]. Then the copy before goes on to count, and [`last_error`](Self::last_error) is
    /// this one.
    pub fn take(&self, text: impl AsRef<[u8]>, fetched: Timestamp) -> Result<()> {
        // Parsed without the lock, so that nothing waits for it.
        match CompanyCalendar::read(&self.name, text.as_ref(), &self.zone, fetched) {
            Ok(calendar) => {
                *self.state() = State { copy: Some(Copy { calendar, fetched }), error: None };
                Ok(())
            }
            Err(error) => {
                self.fail(error.clone());
                Err(error)
            }
        }
    }

    /// Says that fetching has failed. The copy before goes on to count.
    pub fn fail(&self, error: Error) {
        self.state().error = Some(error);
    }

    /// Why there is no newer copy. None if the last one was good.
    pub fn last_error(&self) -> Option<Error> {
        self.state().error.clone()
    }

    /// When the last good copy was fetched.
    pub fn fetched(&self) -> Option<Timestamp> {
        self.state().copy.as_ref().map(|copy| copy.fetched)
    }

    /// Whether there is no copy that counts at this instant.
    pub fn is_stale(&self, at: Timestamp) -> bool {
        self.state().copy.as_ref().is_none_or(|copy| at >= copy.ends())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Copy {
    fn ends(&self) -> Timestamp {
        self.fetched.checked_add(LASTS).unwrap_or(Timestamp::MAX)
    }
}

impl Exclusion for CalendarFeed {
    fn next(&self, at: Timestamp) -> Option<Span> {
        let state = self.state();
        let Some(copy) = &state.copy else {
            return Some(Span::ALL.because(format!("there is no good copy of {} yet", self.name)));
        };
        let of_events = copy.calendar.next(at);
        let ends = copy.ends();
        match of_events {
            Some(span) if span.start() < ends && at < ends => Some(span),
            _ => {
                let (name, fetched) = (&self.name, copy.fetched);
                let reason = format!("the last good copy of {name} is a week old, from {fetched}");
                Some(Span::new(ends, Timestamp::MAX).unwrap_or(Span::ALL).because(reason))
            }
        }
    }
}
