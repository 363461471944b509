//! Public holidays, as days on which no chaos is welcome.
//!
//! [`Holidays`] is an [`Exclusion`](chaos_core::calendar::Exclusion) of the holidays of countries, of their
//! subdivisions, and of [categories](Holiday::category) such as the bank holidays. [`year`] lists the holidays of a
//! year, and [`codes`] the calendars.
//!
//! The tables are of 2000 to 2050, of 250 countries and 651 subdivisions. `scripts/holiday-tables.py` makes them from
//! PyPI's `holidays` (MIT). Where a table has nothing to say, every day is left out: beyond its years, after 2035 where
//! feasts of the Hindu calendar are public holidays, and in a year in which it knows none at all, as of Ukraine from
//! 2023 on.
//!
//! With the feature `ical`, `ical::CompanyCalendar` leaves out the events of a company's own calendar.
//!
//! ```
//! use chaos_core::{BusinessHours, Calendar, calendar::CalendarExt};
//! use chaos_holidays::Holidays;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let holidays = Holidays::new("America/New_York")?.of("US")?;
//! let calendar = BusinessHours::new("America/New_York")?.except(holidays);
//! let thanksgiving = "2026-11-26T15:00:00Z".parse()?;
//! assert!(calendar.window(thanksgiving).is_none());
//! assert_eq!(calendar.next_opening(thanksgiving), Some("2026-11-27T14:00:00Z".parse()?));
//! # Ok(())
//! # }
//! ```

mod code;
mod days;
mod exclusion;
mod holiday;
#[cfg(feature = "ical")]
pub mod ical;
mod listing;
mod table;
mod tables;

pub use code::codes;
pub use exclusion::Holidays;
pub use holiday::Holiday;
pub use listing::{holidays, year};
