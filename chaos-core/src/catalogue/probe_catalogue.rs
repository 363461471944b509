use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    arguments::Arguments,
    entries::Entries,
    named::{as_written, name_and_parameters},
    naming::Naming,
    parameter::Parameter,
    parameters::Parameters,
};
use crate::{error::Result, steady_state::Probe};

/// The probes that can be made by name, from data: each with its description and its decoder.
///
/// [`steady_state`](Self::steady_state) makes a whole steady state of them.
///
/// ```
/// use chaos_core::{catalogue::{Parameter, ProbeCatalogue, ProbeSpec}, probe};
/// use serde_json::json;
///
/// let spec = ProbeSpec::new("queue", "The number of messages that wait in a queue")
///     .with(Parameter::text("of", "the queue").required());
/// let catalogue = ProbeCatalogue::default().register_with(spec, |given| {
///     let queue = given.text("of")?.unwrap_or_default().to_owned();
///     Ok(probe(format!("messages in {queue}"), || async { 7 }))
/// });
/// let orders = catalogue.decode(&json!({ "name": "queue", "of": "orders" }))?;
/// assert_eq!(orders.to_string(), "messages in orders");
///
/// let typo = catalogue.decode(&json!({ "name": "queue", "off": "orders" })).unwrap_err();
/// assert_eq!(typo.to_string(), r#"invalid off: "orders"; expected of"#);
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct ProbeCatalogue {
    entries: Entries<Entry>,
}

/// The name of a probe, its description and its parameters, as data for help texts, files and forms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProbeSpec {
    /// The name, such as `http`.
    pub name: String,
    /// What it yields, in one sentence without a full stop.
    pub about: String,
    /// Its parameters.
    #[serde(flatten)]
    pub parameters: Parameters,
}

/// A probe that a catalogue can make.
pub trait ProbeFromArguments: Probe + Sized {
    /// Its name and its parameters.
    fn spec() -> ProbeSpec;

    /// The requested probe. The catalogue [checks](Probe::check) it.
    ///
    /// # Errors
    /// `InvalidInput` for mistakes that neither the description nor [`check`](Probe::check) rules out.
    fn from_arguments(given: &Arguments) -> Result<Self>;
}

#[derive(Clone)]
struct Entry {
    spec: ProbeSpec,
    decode: Decoder,
}

type Decoder = Arc<dyn Fn(&Arguments) -> Result<Arc<dyn Probe>> + Send + Sync>;

impl ProbeSpec {
    /// A probe without parameters.
    pub fn new(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self { name: name.into(), about: about.into(), parameters: Parameters::default() }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, parameter: Parameter) -> Self {
        self.parameters = self.parameters.with(parameter);
        self
    }

    /// Says that these parameters exclude each other.
    #[must_use]
    pub fn at_most_one_of<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.parameters = self.parameters.at_most_one_of(names);
        self
    }
}

impl ProbeCatalogue {
    /// Adds a probe, in place of one with the same name.
    #[must_use]
    pub fn register<P: ProbeFromArguments>(self) -> Self {
        self.register_with(P::spec(), P::from_arguments)
    }

    /// Adds a probe that needs more than data, such as a provider or the client of an API. `decode` provides it.
    #[must_use]
    pub fn register_with<P: Probe>(
        mut self,
        spec: ProbeSpec,
        decode: impl Fn(&Arguments) -> Result<P> + Send + Sync + 'static,
    ) -> Self {
        let name = spec.name.clone();
        let decode = Arc::new(move |given: &Arguments| Ok(Arc::new(decode(given)?) as Arc<dyn Probe>));
        self.entries.insert(&name, Entry { spec, decode });
        self
    }

    /// Adds everything that `other` knows.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.entries.merge(other.entries);
        self
    }

    /// The specification of each probe, in the order of registration.
    pub fn specs(&self) -> impl Iterator<Item = &ProbeSpec> {
        self.entries.iter().map(|entry| &entry.spec)
    }

    /// Makes the probe that `data` asks for: an object with its `name` and its parameters.
    ///
    /// # Errors
    /// `InvalidInput` that names the field and the value and says what would be right. This includes what the probe's
    /// own [`check`](Probe::check) refuses.
    pub fn decode(&self, data: &Value) -> Result<Arc<dyn Probe>> {
        let (name, parameters) =
            name_and_parameters(data, "probe", "a probe", r#"{"name": "http", "url": "http://127.0.0.1/"}"#)?;
        self.probe(&name, &parameters)
    }

    fn probe(&self, name: &str, parameters: &Map<String, Value>) -> Result<Arc<dyn Probe>> {
        let Entry { spec, decode } = self.entries.get(name, "name")?;
        let arguments = spec.parameters.read(name, parameters, Naming::Fields)?;
        let probe =
            decode(&arguments).map_err(|error| as_written(error, &spec.parameters, Naming::Fields))?;
        // Fields of the builder are called as those of data are.
        probe.check().map_err(|error| match error.field().map(|field| field.replace('_', "-")) {
            Some(field) => error.in_field(field),
            None => error,
        })?;
        Ok(probe)
    }
}

impl fmt::Debug for ProbeCatalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.names()).finish()
    }
}
