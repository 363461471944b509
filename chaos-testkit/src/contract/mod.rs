//! Contract suites: what every part must do, checked.
pub mod target;
