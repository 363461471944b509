//! Catalogues: events, probes and providers by name, made from data.
//!
//! An event that is in an [`EventCatalogue`] can be asked for on a command line, in a file and in a form: its
//! [`EventSpec`] holds its name, its description and its [`Parameter`]s, and its decoder makes it from the given
//! [`Arguments`]. Its recoveries are registered with it, so a new event is one file and one line.
//!
//! ```
//! use chaos_core::{catalogue::EventCatalogue, testing::PowerOff};
//! use serde_json::json;
//!
//! let catalogue = EventCatalogue::default().register::<PowerOff>();
//! let asked = catalogue.decode(&json!({ "name": "power-off", "duration": "30s" }))?;
//! assert_eq!(asked.event().hold(), "30s".parse()?);
//! assert_eq!(asked.to_value(), json!({ "name": "power-off", "duration": "30s" }));
//!
//! let typo = catalogue.decode(&json!({ "name": "power-of" })).unwrap_err();
//! assert_eq!(typo.to_string(), r#"invalid name: "power-of"; expected power-off"#);
//! # Ok::<(), chaos_core::Error>(())
//! ```
//!
//! A [`ProbeCatalogue`] does the same for probes, and makes a whole steady state from data.
//!
//! A [`ProviderCatalogue`] does the same for providers. It opens them from settings for a run, and for the groups in a
//! journal to recover their targets.

mod arguments;
mod datum;
mod entries;
mod event_catalogue;
mod event_spec;
mod kind;
mod named;
mod naming;
mod parameter;
mod parameters;
mod probe_catalogue;
mod provider_catalogue;
mod steady_state;
mod tolerance;

pub use arguments::Arguments;
pub use event_catalogue::{EventCatalogue, FromArguments, NamedEvent};
pub use event_spec::EventSpec;
pub use kind::{Choice, ParameterKind};
pub use naming::Naming;
pub use parameter::{Parameter, Repetition};
pub use parameters::Parameters;
pub use probe_catalogue::{ProbeCatalogue, ProbeFromArguments, ProbeSpec};
pub use provider_catalogue::{OpenProvider, Opened, OpenedFor, ProviderCatalogue, ProviderSpec};
