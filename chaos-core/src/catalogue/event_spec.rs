use serde::{Deserialize, Serialize};

use super::{parameter::Parameter, parameters::Parameters};

/// The name of an event, its description and its parameters, as data for help texts, files and forms.
///
/// ```
/// use chaos_core::catalogue::{EventSpec, Parameter};
///
/// let spec = EventSpec::new("disk-fill", "Take the space of a file system for a while")
///     .with(Parameter::path("path", "a directory on it").required())
///     .with(Parameter::size("bytes", "this much"))
///     .with(Parameter::size("all-but", "all but this much"))
///     .one_of(["bytes", "all-but"])
///     .with(Parameter::hold());
/// assert_eq!(serde_json::to_value(&spec).unwrap()["parameters"][1]["type"], "size");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventSpec {
    /// [`ChaosEvent::name`](crate::event::ChaosEvent::name).
    pub name: String,
    /// A description in one sentence without a full stop.
    pub about: String,
    /// Its parameters.
    #[serde(flatten)]
    pub parameters: Parameters,
}

impl EventSpec {
    /// An event without parameters.
    pub fn new(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self { name: name.into(), about: about.into(), parameters: Parameters::default() }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, parameter: Parameter) -> Self {
        self.parameters = self.parameters.with(parameter);
        self
    }

    /// Says that exactly one of these parameters must be given.
    #[must_use]
    pub fn one_of<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.parameters = self.parameters.one_of(names);
        self
    }
}
