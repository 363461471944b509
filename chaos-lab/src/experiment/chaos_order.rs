use std::sync::Arc;

use chaos_core::{
    BlastRadius, Error, Result,
    catalogue::{Arguments, NamedEvent, Naming},
    provider::GroupFilter,
    steady_state::Probe,
};
use serde_json::{Map, Value};

use super::ChaosProvider;
use crate::catalogues::Catalogues;

/// An event that an activity orders, with its targets and its limits.
#[derive(Debug)]
pub(crate) struct ChaosOrder {
    pub(crate) event: NamedEvent,
    pub(crate) provider: String,
    pub(crate) settings: Arguments,
    pub(crate) groups: GroupFilter,
    pub(crate) blast_radius: BlastRadius,
}

impl ChaosOrder {
    /// Reads what `chaos` orders, with its names substituted.
    ///
    /// # Errors
    /// `InvalidInput` that names the field and the value and says what would be right.
    pub(crate) fn read(chaos: &ChaosProvider, catalogues: &Catalogues) -> Result<Self> {
        let mut left = chaos.settings.clone();
        let provider = match left.remove("provider") {
            Some(Value::String(name)) => name,
            other => {
                let known: Vec<&str> = catalogues.providers.specs().map(|spec| spec.name.as_str()).collect();
                let value = other.map_or_else(|| "missing".to_owned(), |value| value.to_string());
                return Err(Error::invalid("provider", value, format!("one of {}", known.join(", "))));
            }
        };
        let groups = match left.remove("groups") {
            None => GroupFilter::all(),
            Some(Value::String(name)) => GroupFilter::only([name]),
            Some(Value::Array(names)) => {
                let names = names.iter().map(|name| match name {
                    Value::String(name) => Ok(name.clone()),
                    other => Err(Error::invalid("groups", other, "a list of names")),
                });
                GroupFilter::only(names.collect::<Result<Vec<_>>>()?)
            }
            Some(other) => return Err(Error::invalid("groups", other, "a name, or a list of names")),
        };
        let limits = BlastRadius::parameters();
        let blast_radius = taken(&mut left, |name| limits.get(name).is_some());
        let blast_radius = limits.read("the blast radius", &blast_radius, Naming::Fields)?;
        let blast_radius = BlastRadius::from_arguments(&blast_radius)?;
        let spec = catalogues.providers.spec(&provider, Naming::Fields)?;
        let settings = taken(&mut left, |name| spec.parameters.get(name).is_some());
        let settings = catalogues.providers.read(&provider, &settings, Naming::Fields)?;
        // What is left belongs to the event, which refuses what it does not know.
        let event = catalogues.events.event(&chaos.name, &left, Naming::Fields)?;
        Ok(Self { event, provider, settings, groups, blast_radius })
    }
}

/// Takes the entries of these names out of a map.
fn taken(map: &mut Map<String, Value>, is_one: impl Fn(&str) -> bool) -> Map<String, Value> {
    let names: Vec<String> = map.keys().filter(|name| is_one(name)).cloned().collect();
    names.into_iter().filter_map(|name| map.remove_entry(&name)).collect()
}

impl ChaosProvider {
    /// The probe, with its names substituted.
    ///
    /// # Errors
    /// `InvalidInput` that names the field and the value and says what would be right.
    pub(crate) fn probe(&self, catalogues: &Catalogues) -> Result<Arc<dyn Probe>> {
        let mut data = self.settings.clone();
        data.insert("probe".to_owned(), self.name.clone().into());
        catalogues.probes.decode(&Value::Object(data))
    }
}
