use std::{fmt, sync::Arc};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    CalendarState, Closed,
    days::{end_of, start_of},
};
use crate::error::{Error, Result};

/// Spans of time to leave out of a calendar, such as blackouts, holidays or a lunch hour.
///
/// An exclusion is not a calendar, so you never have to remember whether "open" means "chaos is welcome" or "this is
/// left out". [`Blackout`](crate::calendar::Blackout) is both. As a calendar it is open *outside* its spans, which
/// makes `hours.and(blackout)` right. As an exclusion it names the spans themselves, which makes
/// [`hours.except(blackout)`](crate::calendar::CalendarExt::except) right. Both mean "in hours and not in the
/// blackout". If `except` took a calendar, `hours.except(blackout)` would mean "in hours and in the blackout".
///
/// ```
/// use chaos_core::{
///     BusinessHours, Calendar,
///     calendar::{Blackout, CalendarExt},
/// };
///
/// # fn main() -> chaos_core::Result<()> {
/// let hours = BusinessHours::new("UTC")?;
/// let freeze = Blackout::new().dates("UTC", jiff::civil::date(2026, 3, 2), jiff::civil::date(2026, 3, 6))?;
/// let monday = "2026-03-02T10:00:00Z".parse().unwrap();
/// assert!(hours.window(monday).is_some());
/// assert!(hours.clone().except(freeze.clone()).window(monday).is_none());
/// assert!(hours.and(freeze).window(monday).is_none());
/// # Ok(())
/// # }
/// ```
pub trait Exclusion: fmt::Debug + Send + Sync + 'static {
    /// The span that contains `at`, or else the first one after it; `None` if nothing is left out from `at` on.
    ///
    /// If an exclusion cannot tell, it returns [`Span::ALL`]: in doubt, everything is left out.
    fn next(&self, at: Timestamp) -> Option<Span>;

    /// Checks that this exclusion was made from valid input. Otherwise it leaves everything out.
    ///
    /// # Errors
    /// `InvalidInput` with the field and the value.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

#[deny(clippy::missing_trait_methods)]
impl<E: Exclusion + ?Sized> Exclusion for Arc<E> {
    fn next(&self, at: Timestamp) -> Option<Span> {
        (**self).next(at)
    }

    fn check(&self) -> Result<()> {
        (**self).check()
    }
}

/// A span of time from its start (inclusive) to its end (exclusive). It is never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    start: Timestamp,
    end: Timestamp,
    reason: Option<Arc<str>>,
}

impl Span {
    /// All of time.
    pub const ALL: Self = Self { start: Timestamp::MIN, end: Timestamp::MAX, reason: None };

    /// The span from `start` (inclusive) to `end` (exclusive). An end of [`Timestamp::MAX`] means that it never ends.
    ///
    /// # Errors
    /// `InvalidInput` unless `start` is before `end`.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self> {
        if start < end {
            Ok(Self { start, end, reason: None })
        } else {
            Err(Error::invalid("span", format_args!("{start} to {end}"), "an end after its start"))
        }
    }

    /// Whole days, from the first instant of `first` to the last one of `last`, as shown by the clocks of `zone`. It is
    /// `None` if the clocks went from the day before `first` to the day after `last`: these dates never existed.
    ///
    /// # Errors
    /// `InvalidInput` if `last` is before `first`, or if the days reach beyond the time that can be represented.
    pub fn of_dates(zone: &TimeZone, first: Date, last: Date) -> Result<Option<Self>> {
        let invalid = |expected| Error::invalid("dates", format_args!("{first} to {last}"), expected);
        if last < first {
            return Err(invalid("a last date that is not before the first"));
        }
        let bounds = || Ok((start_of(first, zone)?, end_of(last, zone)?));
        let (start, end) = bounds()
            .map_err(|error: jiff::Error| invalid("dates within the years -9999 to 9999").caused_by(error))?;
        if start == end { Ok(None) } else { Self::new(start, end).map(Some) }
    }

    /// Says why it is left out, in a few words such as `Thanksgiving (US)`.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Arc<str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Why it is left out, if that is known.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The first instant inside.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The first instant after it; [`Timestamp::MAX`] for never.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// The smallest span that contains both.
    pub(super) fn hull(self, other: &Self) -> Self {
        let reason = self.reason.or_else(|| other.reason.clone());
        Self { start: self.start.min(other.start), end: self.end.max(other.end), reason }
    }

    /// Whether `at` is inside.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && (at < self.end || self.end == Timestamp::MAX)
    }
}

/// Open while nothing is left out.
pub(super) fn state_outside(exclusion: &(impl Exclusion + ?Sized), at: Timestamp) -> CalendarState {
    match exclusion.next(at) {
        None => CalendarState::open_until(Timestamp::MAX),
        Some(span) if at < span.start => CalendarState::open_until(span.start),
        // An exclusion that names a span of the past breaks its contract and is not trusted, so the calendar is closed
        // then, and it is not known when it opens.
        Some(span) if span.end <= at => CalendarState::closed_until(Timestamp::MAX),
        Some(span) => {
            let reason = span.reason().map(str::to_owned);
            CalendarState::Closed(Closed { reason, ..Closed::until(span.end) })
        }
    }
}
