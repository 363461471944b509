use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

use super::{
    arguments::Arguments,
    entries::Entries,
    event_spec::EventSpec,
    named::{as_written, name_and_parameters},
    naming::Naming,
    parameter::shown,
};
use crate::{
    error::{Error, Result},
    event::ChaosEvent,
    recovery::Registry,
};

/// The events that can be made by name, from data: each with its description, its decoder and its recoveries.
///
/// Registration is explicit, and one line for each event. See [the module](super) for an example.
#[derive(Clone, Default)]
pub struct EventCatalogue {
    entries: Entries<Entry>,
    /// Those of all events that were ever registered.
    recoveries: Registry,
}

/// An event that a catalogue can make.
///
/// ```
/// use std::time::Duration;
/// use chaos_core::{
///     Capability, CapabilitySet, ChaosEvent, Hold, Prepared, Registry, Result, Scope, async_trait,
///     catalogue::{Arguments, EventCatalogue, EventSpec, FromArguments, Parameter},
///     testing::PowerOn,
/// };
///
/// /// Halts a machine for a while.
/// #[derive(Debug)]
/// struct PowerCut {
///     hold: Hold,
/// }
///
/// impl FromArguments for PowerCut {
///     fn spec() -> EventSpec {
///         EventSpec::new("power-cut", "Halt a machine for a while").with(Parameter::hold())
///     }
///
///     fn from_arguments(given: &Arguments) -> Result<Self> {
///         let hold = given.duration("duration")?.map_or(Ok(Hold::DEFAULT), Hold::lasting)?;
///         Ok(Self { hold })
///     }
///
///     fn recoveries() -> Registry {
///         Registry::default().register::<PowerOn>()
///     }
/// }
/// # #[async_trait]
/// # impl ChaosEvent for PowerCut {
/// #     fn name(&self) -> &'static str { "power-cut" }
/// #     fn requires(&self) -> CapabilitySet { CapabilitySet::of([Capability::Stop, Capability::Start]) }
/// #     fn hold(&self) -> Hold { self.hold }
/// #     async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
/// #         chaos_core::testing::PowerOff::lasting(self.hold).prepare(scope).await
/// #     }
/// # }
///
/// let catalogue = EventCatalogue::default().register::<PowerCut>();
/// let asked = catalogue.decode(&serde_json::json!({ "name": "power-cut", "duration": "90s" }))?;
/// assert_eq!(asked.event().hold().duration(), Duration::from_secs(90));
/// # Ok::<(), chaos_core::Error>(())
/// ```
pub trait FromArguments: ChaosEvent + Sized {
    /// Its name and its parameters. The name is [`ChaosEvent::name`].
    fn spec() -> EventSpec;

    /// The requested event.
    ///
    /// # Errors
    /// `InvalidInput` for mistakes that the description does not rule out. If the error's field is the name of a
    /// parameter, the user sees it as they wrote it.
    fn from_arguments(given: &Arguments) -> Result<Self>;

    /// The recoveries that its faults may need.
    fn recoveries() -> Registry;
}

/// An event that was requested by name.
#[derive(Clone, Debug)]
pub struct NamedEvent {
    name: String,
    event: Arc<dyn ChaosEvent>,
    arguments: Arguments,
    recoveries: Registry,
}

#[derive(Clone)]
struct Entry {
    spec: EventSpec,
    recoveries: Registry,
    decode: Decoder,
}

type Decoder = Arc<dyn Fn(&Arguments) -> Result<Arc<dyn ChaosEvent>> + Send + Sync>;

impl EventCatalogue {
    /// Adds an event. It replaces one of the same name, whose recoveries stay, because a journal may still hold them.
    #[must_use]
    pub fn register<E: FromArguments>(self) -> Self {
        self.register_with(E::spec(), E::recoveries(), |given| Ok(Arc::new(E::from_arguments(given)?)))
    }

    /// Adds an event that needs more than data, such as the client of an API. `decode` provides it.
    #[must_use]
    pub fn register_with(
        mut self,
        spec: EventSpec,
        recoveries: Registry,
        decode: impl Fn(&Arguments) -> Result<Arc<dyn ChaosEvent>> + Send + Sync + 'static,
    ) -> Self {
        let name = spec.name.clone();
        self.recoveries = self.recoveries.merge(recoveries.clone());
        self.entries.insert(&name, Entry { spec, recoveries, decode: Arc::new(decode) });
        self
    }

    /// Adds everything that `other` knows.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.entries.merge(other.entries);
        self.recoveries = self.recoveries.merge(other.recoveries);
        self
    }

    /// The specification of each event, in the order of registration.
    pub fn specs(&self) -> impl Iterator<Item = &EventSpec> {
        self.entries.iter().map(|entry| &entry.spec)
    }

    /// Adds recoveries of other faults that may be in a journal.
    #[must_use]
    pub fn with_recoveries(mut self, recoveries: Registry) -> Self {
        self.recoveries = self.recoveries.merge(recoveries);
        self
    }

    /// The recoveries of all events, for [`MonkeyBuilder::unleash`](crate::monkey::MonkeyBuilder::unleash).
    pub fn registry(&self) -> Registry {
        self.recoveries.clone()
    }

    /// Makes the event that `data` asks for: an object with its `name` and its parameters.
    ///
    /// # Errors
    /// `InvalidInput` that names the field and the value and says what would be right.
    pub fn decode(&self, data: &Value) -> Result<NamedEvent> {
        let (name, parameters) =
            name_and_parameters(data, "event", "an event", r#"{"name": "stop", "duration": "5s"}"#)?;
        self.event(&name, &parameters, Naming::Fields)
    }

    /// Makes the event `name` with these parameters; errors call them as `naming` says.
    ///
    /// # Errors
    /// `InvalidInput` that names the parameter and the value and says what would be right.
    pub fn event(&self, name: &str, parameters: &Map<String, Value>, naming: Naming) -> Result<NamedEvent> {
        let entry = self.entries.get(
            name,
            match naming {
                Naming::Fields => "name",
                Naming::Arguments => "--event",
            },
        )?;
        self.refuse_those_of_others(&entry.spec, parameters, naming)?;
        let arguments = entry.spec.parameters.read(name, parameters, naming)?;
        let event =
            (entry.decode)(&arguments).map_err(|error| as_written(error, &entry.spec.parameters, naming))?;
        Ok(NamedEvent { name: name.to_owned(), event, arguments, recoveries: entry.recoveries.clone() })
    }

    /// Names the events that a parameter is for, if this event does not take it.
    fn refuse_those_of_others(
        &self,
        spec: &EventSpec,
        given: &Map<String, Value>,
        naming: Naming,
    ) -> Result<()> {
        for (name, value) in given.iter().filter(|(name, _)| spec.parameters.get(name).is_none()) {
            let of: Vec<_> = self.specs().filter(|other| other.parameters.get(name).is_some()).collect();
            if of.is_empty() {
                continue;
            }
            let of: Vec<_> = of.iter().map(|other| other.name.as_str()).collect();
            let event = match naming {
                Naming::Fields => spec.name.clone(),
                Naming::Arguments => format!("--event {}", spec.name),
            };
            let value = match value {
                Value::Bool(true) => "given".to_owned(),
                Value::String(text) if naming == Naming::Arguments => text.clone(),
                value => shown(value),
            };
            let expected = format!("none with {event}; it is for {}", of.join(", "));
            return Err(Error::invalid(naming.of(name), value, expected));
        }
        Ok(())
    }
}

impl NamedEvent {
    /// Its name in the catalogue.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The event.
    pub fn event(&self) -> &Arc<dyn ChaosEvent> {
        &self.event
    }

    /// Its arguments.
    pub fn arguments(&self) -> &Arguments {
        &self.arguments
    }

    /// The recoveries that its faults may need.
    pub fn recoveries(&self) -> &Registry {
        &self.recoveries
    }

    /// The data that requests it again, as [`EventCatalogue::decode`] reads it.
    pub fn to_value(&self) -> Value {
        let mut fields = self.arguments.to_map();
        fields.insert("name".to_owned(), Value::from(self.name.as_str()));
        Value::Object(fields)
    }
}

impl fmt::Debug for EventCatalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.names()).finish()
    }
}
