use std::{fmt, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use crate::error::Result;

/// Says when chaos is welcome: a pure function of the instant, which never reads a clock.
///
/// Combine calendars with [`CalendarExt`](crate::calendar::CalendarExt).
pub trait Calendar: fmt::Debug + Send + Sync + 'static {
    /// The window around `at`, or `None` while closed.
    ///
    /// Open at `at` means open at every instant from `at` up to, not including, [`Window::closes`].
    fn window(&self, at: Timestamp) -> Option<Window>;

    /// Whether this calendar was made from input that makes sense. A calendar that was not is closed for ever, and the
    /// monkey's builder hands this error on.
    ///
    /// # Errors
    /// `InvalidInput` with the field and the value.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// How far ahead a calendar looks for its closing time at least, so that one which hardly ever closes costs no more.
pub(super) const HORIZON: SignedDuration = SignedDuration::from_hours(8 * 24);

/// A span of time in which a calendar is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// The first instant at which it is closed again; [`Timestamp::MAX`] for never. If it stays open for more than 8
    /// days, this may be an earlier instant that is at least 8 days away.
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
