//! Calendars: when chaos is welcome.
//!
//! A [`Calendar`] is a pure function of the instant: it returns an open [`Window`] with its closing time, or that it is
//! [`Closed`], until when and why.
//! [`BusinessHours`] is the usual calendar. An [`Exclusion`] such as a [`Blackout`] leaves time out of it, and
//! [`CalendarExt`] combines calendars. A fault must be undone by closing time, so a fault that would last longer does
//! not begin.

mod blackout;
mod business_hours;
mod calendar;
mod combine;
mod days;
mod exclusion;
mod hours;
mod invalid;
mod settings;
mod time_of_day;
mod week;
mod weekdays;
mod zone;

pub use blackout::Blackout;
pub use business_hours::BusinessHours;
pub use calendar::{Always, Calendar, CalendarState, Closed, Never, Window};
pub use combine::{And, CalendarExt, Except, Or};
pub(crate) use combine::{MOST_STEPS, next_opening};
pub(crate) use days::{end_of, start_of};
pub use exclusion::{Exclusion, Span};
pub use time_of_day::TimeOfDay;
pub use zone::time_zone;
