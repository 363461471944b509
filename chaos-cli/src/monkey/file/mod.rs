//! The file of a monkey that is left running, in TOML.
//!
//! Each table is described by [`Parameters`](chaos_core::catalogue::Parameters), as events, probes and providers are.
//! So a misspelt key, a wrong value and the JSON schema all come from one description. Everything that is wrong is told
//! at once, each with its line and column.

mod calendar;
mod document;
mod groups;
mod monkey_file;
mod notify;
mod problems;
mod reader;
mod schedule;
mod schema;
mod secret;
mod service;
mod steady_state;
mod targets;

pub(crate) use calendar::{CalendarSection, FeedSection};
pub(crate) use monkey_file::{Catalogues, MonkeyFile, ProviderSection};
pub(crate) use notify::NotifySection;
pub(crate) use problems::Problems;
pub(crate) use schedule::Pace;
pub(crate) use schema::schema;
pub(crate) use service::ServiceSection;
