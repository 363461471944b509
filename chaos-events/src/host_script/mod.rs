//! Scripts that run on a target: the common parts of all host faults, on this side and on the target.

mod answer;
mod by_hand;
mod host_fault;
mod script;
mod told;
mod vantage;

pub(crate) use answer::Answer;
pub(crate) use by_hand::{end_processes, quoted};
pub(crate) use host_fault::{HostFault, Ready, START_WITHIN};
pub(crate) use script::HostScript;
pub(crate) use vantage::Vantage;
