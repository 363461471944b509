//! The rules that forbid a target, each written once.
//!
//! The planner asks them about every target, and the last look before an injection asks them again, because a plan may
//! be old by then. Limits that count faults are asked a third time by the journal, in the transaction that arms. A new
//! rule is a file here.

mod age;
mod closing_time;
mod consent;
mod counts;
mod deployment;
mod domain;
mod due;
mod event;
mod member;
mod room;

pub(crate) use age::old_enough;
pub(crate) use closing_time::{open, undone_by};
pub(crate) use consent::not_denied;
pub(crate) use counts::{cooled_down, free_of_faults, not_halted, within_group, within_total};
pub(crate) use deployment::not_deploying;
pub(crate) use domain::{domain_of, leaves_another};
pub(crate) use due::still_due;
pub(crate) use event::{offers, suits};
pub(crate) use member::{is_below, is_healthy, may_be_hit};
pub(crate) use room::{Faults, Room, capacity_under_fault, leaves_capacity};
