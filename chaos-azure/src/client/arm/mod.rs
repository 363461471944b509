//! Azure Resource Manager over HTTP: one request with its retries, and long-running orders.
//!
//! Every request of this crate goes through [`Arm::send`], including those of the legacy SDK. So one place knows the
//! token and decides which requests may be sent twice.

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
