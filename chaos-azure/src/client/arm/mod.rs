//! Azure Resource Manager over HTTP: one request with its retries, and orders that take their time.
//!
//! Every request of this crate goes through [`Arm::send`], those of the legacy SDK too: there is one place that knows
//! the token, and one that decides what may be sent twice.

mod action;
mod answer;
mod arm;
mod operation;
mod request;
mod tokens;

pub(crate) use action::action;
pub(crate) use answer::{Answer, unreadable};
pub(crate) use arm::Arm;
pub(crate) use operation::{Accepted, Progress, Standing, Wanted, patience};
pub(crate) use request::Request;
pub(crate) use tokens::Tokens;
