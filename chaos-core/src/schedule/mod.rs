//! How often a group is hit, and when: a [`Schedule`] counts in open days.
//!
//! An *open day* is a date on which the calendar is open long enough for a fault to be undone. [`OpenDays`] finds them.
//! On some of them a group is *due*: [`Schedule::due`] says so, and at which instant. It is a pure function of the
//! seed, the group, the date and the group's last fault. So every machine, and every process after a restart, finds the
//! same dues, whatever other groups there are.

mod due;
mod open_day;
mod open_days;
mod schedule;

pub use due::{Due, DueId, TakenDue};
pub use open_day::OpenDay;
pub use open_days::OpenDays;
pub use schedule::Schedule;
