//! Calendars: when chaos is welcome.

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
