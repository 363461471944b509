//! The program `chaos`, and the shared parts of its subcommands. Each subcommand is a module here.
//!
//! | subcommand | what it does |
//! |---|---|
//! | `drill` | one drill on its own or an attached fleet: break it, watch it heal, report |
//! | `run` | experiments in files, in Chaos Toolkit's format (feature `lab`, on by default) |
//! | `fleet` | a fleet that stays up until you stop it, for `drill --attach` |
//! | `halt`, `resume` | stops every monkey over a journal, and lets them go on |
//! | `recover` | recovers the faults that a drill has left behind |
//! | `monkey` | a monkey that a team leaves running, by a file (feature `service`) |
//! | `diagnose` | says why such a monkey does nothing, or would not (feature `service`) |
//! | `history` | shows the faults and dues in a journal, and forgets old ones |
//! | `holidays` | lists the holidays of a year (feature `service`, on by default) |
//!
//! The program `service` is the small HTTP service that the fleets run.
//!
//! All of them end with the exit codes of [`Status`](program::Status).

/// The README of the repository. Its examples are tests of this crate.
#[doc = include_str!("../../README.md")]
pub mod readme {}

/// The design of the library. Its examples are tests of this crate.
#[doc = include_str!("../../DESIGN.md")]
pub mod design {}

/// The guarantees and limits of the library.
#[doc = include_str!("../../SAFETY.md")]
pub mod safety {}

pub mod catalogue;
pub mod chaos;
pub mod drill;
pub mod fleet;
pub mod halt;
pub mod history;
#[cfg(feature = "service")]
pub mod holidays;
#[cfg(feature = "service")]
pub mod monkey;
pub mod program;
pub mod recover;
#[cfg(feature = "lab")]
pub mod run;
pub mod service;

mod arguments;
mod clients;
mod journal;
mod table;
