//! Calendars: when chaos is welcome.
//!
//! A [`Calendar`] is a pure function of the instant: a [`Window`] that is open until when, or none. [`BusinessHours`]
//! is the usual one; an [`Exclusion`] such as a [`Blackout`] leaves time out of it, and [`CalendarExt`] combines them.
//! A fault has to be undone by closing time, so that none begins that would last longer.

mod blackout;
mod business_hours;
mod calendar;
mod combine;
mod exclusion;
mod hours;
mod invalid;
mod time_of_day;
mod week;
mod weekdays;
mod zone;

pub use blackout::Blackout;
pub use business_hours::BusinessHours;
pub use calendar::{Always, Calendar, Never, Window};
pub use combine::{And, CalendarExt, Except, Or};
pub use exclusion::{Exclusion, Span};
pub use time_of_day::TimeOfDay;
