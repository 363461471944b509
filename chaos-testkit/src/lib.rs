//! Contract suites and faulty wrappers.

pub mod faulty;
