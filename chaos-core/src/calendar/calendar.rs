use std::{fmt, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use crate::error::Result;

/// Tells when chaos is welcome. A calendar is a pure function of the instant and never reads a clock.
///
/// Combine calendars with [`CalendarExt`](crate::calendar::CalendarExt).
pub trait Calendar: fmt::Debug + Send + Sync + 'static {
    /// Whether it is open at `at`, and how long that stays so.
    ///
    /// Open means that it is open at every instant from `at` (inclusive) to [`Window::closes`] (exclusive), and closed
    /// that it is closed at every instant from `at` (inclusive) to [`Closed::until`] (exclusive).
    fn state(&self, at: Timestamp) -> CalendarState;

    /// The window around `at`, or `None` while closed.
    fn window(&self, at: Timestamp) -> Option<Window> {
        match self.state(at) {
            CalendarState::Open(window) => Some(window),
            CalendarState::Closed(_) => None,
        }
    }

    /// Checks that this calendar was made from valid input. Otherwise the calendar is always closed, and the monkey's
    /// builder returns this error.
    ///
    /// # Errors
    /// `InvalidInput` with the field and the value.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// The minimum distance that a calendar looks ahead for its closing time. The limit keeps the cost of a calendar that
/// hardly ever closes low.
pub(super) const HORIZON: SignedDuration = SignedDuration::from_hours(8 * 24);

/// A span of time in which a calendar is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// The first instant at which the calendar is closed again; [`Timestamp::MAX`] for never. If it stays open for more
    /// than 8 days, this may be an earlier instant that is at least 8 days away.
    pub closes: Timestamp,
}

impl Window {
    /// A window that is open until `closes`.
    pub fn until(closes: Timestamp) -> Self {
        Self { closes }
    }
}

/// What a calendar says of an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing between open and closed")]
pub enum CalendarState {
    /// Chaos is welcome.
    Open(Window),
    /// It is not.
    Closed(Closed),
}

impl CalendarState {
    /// Open until `closes`, which is [`Timestamp::MAX`] for ever.
    pub fn open_until(closes: Timestamp) -> Self {
        Self::Open(Window::until(closes))
    }

    /// Closed until `until` at least, which is [`Timestamp::MAX`] for ever.
    pub fn closed_until(until: Timestamp) -> Self {
        Self::Closed(Closed::until(until))
    }
}

/// A span of time in which a calendar is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The calendar is closed before this instant; [`Timestamp::MAX`] for ever. At this instant it may be closed as
    /// well, for another reason: ask again. [`next_opening`](crate::calendar::CalendarExt::next_opening) does that.
    pub until: Timestamp,
    /// Why, in a few words such as `Thanksgiving (US)`, if there is more to say than that these are not its hours.
    pub reason: Option<String>,
}

impl Closed {
    /// Closed until `until` at least.
    pub fn until(until: Timestamp) -> Self {
        Self { until, reason: None }
    }

    /// Says why.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Closed as long as one of both is. The reason is that of this one, if it has any.
    pub(super) fn and(self, other: Self) -> Self {
        Self { until: self.until.max(other.until), reason: self.reason.or(other.reason) }
    }

    /// Closed as long as both are. The reason is that of this one, if it has any.
    pub(super) fn or(self, other: Self) -> Self {
        Self { until: self.until.min(other.until), reason: self.reason.or(other.reason) }
    }
}

macro_rules! passed_on_by {
    ($($pointer:ident),*) => {$(
        #[deny(clippy::missing_trait_methods)]
        impl<C: Calendar + ?Sized> Calendar for $pointer<C> {
            fn state(&self, at: Timestamp) -> CalendarState {
                (**self).state(at)
            }

            fn window(&self, at: Timestamp) -> Option<Window> {
                (**self).window(at)
            }

            fn check(&self) -> Result<()> {
                (**self).check()
            }
        }
    )*};
}

passed_on_by!(Arc, Box);

/// Open at every instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to configure")]
pub struct Always;

impl Calendar for Always {
    fn state(&self, _: Timestamp) -> CalendarState {
        CalendarState::open_until(Timestamp::MAX)
    }
}

/// Closed at every instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to configure")]
pub struct Never;

impl Calendar for Never {
    fn state(&self, _: Timestamp) -> CalendarState {
        CalendarState::closed_until(Timestamp::MAX)
    }
}
