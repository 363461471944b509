//! Contract suites and faulty wrappers.

pub mod contract;
pub mod faulty;
mod probe;
mod report;
mod stage;
mod timing;

pub use report::{CheckOutcome, CheckResult, ContractReport};
pub use stage::Subject;
pub use timing::Timing;
