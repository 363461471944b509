//! Contract suites: what every part must do, checked.
pub mod calendar;
pub mod journal;
pub mod target;
