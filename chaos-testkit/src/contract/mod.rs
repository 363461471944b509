//! Contract suites: they check the duties of every part.
//!
//! | suite | it checks | its effect on the world |
//! |---|---|---|
//! | [`target::check`] | one target and its capabilities | terminates, stops, reboots, runs scripts, cuts off |
//! | [`provider::check`] | discovery, resolving, replacement | terminates up to two members |
//! | [`event::check`] | one chaos event | injects it |
//! | [`adversity::check`] | how a provider copes with bad answers | stops, starts and replaces one target |
//! | [`recovery::check`] | how that event is undone, whatever went wrong | injects it, terminates one target |
//! | [`journal::check`], [`journal::check_durable`] | one journal | nothing |
//! | [`calendar::check`] | one calendar | nothing |
//! | [`probe::check`], [`probe::check_with_silence`] | one probe of a steady state | nothing |
//!
//! Only chaos-core makes [permits](chaos_core::Permit), so the suites call operations as every program must: from a
//! fault that a monkey arms in a journal, injects and recovers.

pub mod adversity;
pub mod calendar;
pub mod event;
pub mod journal;
mod orders;
pub mod probe;
pub mod provider;
pub mod recovery;
pub mod target;
