//! Calendars: when chaos is welcome.

mod calendar;

pub use calendar::{Always, Calendar, Never, Window};
