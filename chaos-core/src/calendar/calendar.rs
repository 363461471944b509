use std::{fmt, sync::Arc};

use jiff::Timestamp;

use crate::Result;

/// Says when chaos is welcome: a pure function of the instant, which never reads a clock.
///
/// Combine calendars with [`CalendarExt`](crate::CalendarExt).
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

/// A span of time in which a calendar is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// The first instant at which it is closed again; [`Timestamp::MAX`] for never.
    pub closes: Timestamp,
}

impl Window {
    /// A window that is open until `closes`.
    pub fn until(closes: Timestamp) -> Self {
        Self { closes }
    }
}

impl<C: Calendar + ?Sized> Calendar for Arc<C> {
    fn window(&self, at: Timestamp) -> Option<Window> {
        (**self).window(at)
    }

    fn check(&self) -> Result<()> {
        (**self).check()
    }
}

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
