use std::{fmt, sync::Arc};

use jiff::Timestamp;

use super::Window;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    start: Timestamp,
    end: Timestamp,
}

impl Span {
    /// All of time.
    pub const ALL: Self = Self { start: Timestamp::MIN, end: Timestamp::MAX };

    /// The span from `start` (inclusive) to `end` (exclusive). An end of [`Timestamp::MAX`] means that it never ends.
    ///
    /// # Errors
    /// `InvalidInput` unless `start` is before `end`.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self> {
        if start < end {
            Ok(Self { start, end })
        } else {
            Err(Error::invalid("span", format_args!("{start} to {end}"), "an end after its start"))
        }
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
    pub(super) fn hull(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether `at` is inside.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && (at < self.end || self.end == Timestamp::MAX)
    }
}

/// The window around `at` in which nothing is left out.
pub(super) fn window_outside(exclusion: &(impl Exclusion + ?Sized), at: Timestamp) -> Option<Window> {
    match exclusion.next(at) {
        None => Some(Window::until(Timestamp::MAX)),
        Some(span) if at < span.start => Some(Window::until(span.start)),
        // An exclusion that names a span of the past breaks its contract and is not trusted, so the calendar is closed
        // then.
        Some(_) => None,
    }
}
