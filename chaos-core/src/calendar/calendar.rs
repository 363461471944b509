use std::{fmt, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use crate::error::Result;

/// Tells when chaos is welcome. A calendar is a pure function of the instant and never reads a clock.
///
/// Combine calendars with [`CalendarExt`](crate::calendar::CalendarExt).
pub trait Calendar: fmt::Debug + Send + Sync + 'static {
    /// The window around `at`, or `None` while closed.
    ///
    /// A window means that the calendar is open at every instant from `at` (inclusive) to [`Window::closes`]
    /// (exclusive).
    fn window(&self, at: Timestamp) -> Option<Window>;

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

macro_rules! passed_on_by {
    ($($pointer:ident),*) => {$(
        #[deny(clippy::missing_trait_methods)]
        impl<C: Calendar + ?Sized> Calendar for $pointer<C> {
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
    fn window(&self, _: Timestamp) -> Option<Window> {
        Some(Window::until(Timestamp::MAX))
    }
}

/// Closed at every instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to configure")]
pub struct Never;

impl Calendar for Never {
    fn window(&self, _: Timestamp) -> Option<Window> {
        None
    }
}
