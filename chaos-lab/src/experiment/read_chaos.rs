use serde_json::{Map, Value};

use super::{ChaosKind, ChaosProvider, chaos_order::ChaosOrder, fields::Fields, reader::Reader};

impl Reader<'_> {
    /// Reads a provider of this library, and whether its event or its probe can be made.
    pub(super) fn chaos(&mut self, fields: &Fields<'_>) -> Option<ChaosProvider> {
        let (kind, name) = match (fields.get("event"), fields.get("probe")) {
            (Some(name), None) => (ChaosKind::Event, name),
            (None, Some(name)) => (ChaosKind::Probe, name),
            _ => {
                self.findings.say(
                    fields.at("event"),
                    "missing, or beside probe",
                    "an event or a probe, by its name",
                );
                return None;
            }
        };
        let property = match kind {
            ChaosKind::Event => "event",
            ChaosKind::Probe => "probe",
        };
        let Some(name) = name.as_str() else {
            self.findings.wrong(fields.at(property), name, "a name");
            return None;
        };
        let own = ["type", "event", "probe", "secrets"];
        let settings = fields.map().iter().filter(|(key, _)| !own.contains(&key.as_str()));
        let settings = settings.map(|(key, value)| (key.clone(), value.clone())).collect();
        let settings: Map<String, Value> = settings;
        if kind == ChaosKind::Event && self.findings.names_a_secret(&Value::Object(settings.clone())) {
            let words = "a setting that names a secret";
            self.findings.say(fields.at("event"), words, "none: the settings of an event are in the journal");
        }
        let chaos = ChaosProvider { kind, name: name.to_owned(), settings };
        if let Some(catalogues) = self.catalogues {
            let read = ChaosProvider {
                settings: match self.known.substitute(&Value::Object(chaos.settings.clone())) {
                    Value::Object(settings) => settings,
                    _ => chaos.settings.clone(),
                },
                ..chaos.clone()
            };
            // What is known only later is checked then.
            let is_open = Value::Object(read.settings.clone()).to_string().contains("${");
            let checked = match kind {
                ChaosKind::Event => ChaosOrder::read(&read, catalogues).map(drop),
                ChaosKind::Probe => read.probe(catalogues).map(drop),
            };
            if let Err(error) = checked.map_err(|error| error.chain())
                && !is_open
            {
                self.findings.say(fields.at(property), &format!("{name}: {error}"), "one that can be made");
            }
        }
        Some(chaos)
    }
}
