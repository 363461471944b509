use std::{path::PathBuf, sync::Arc};

use chaos_core::text::nearest;
use serde_json::{Map, Value};

use super::{
    Entry, Settings,
    conversion::Conversion,
    environment::Environment,
    fields::Fields,
    findings::Findings,
    nearest::or_nearest,
    overrides::{Overrides, kind},
    read_activity::Place,
    reader::Reader,
};

const ENTRY: &[&str] = &["type", "key", "default", "env_var_type"];

/// The secrets of an experiment: their values, and where they come from.
#[derive(Default)]
pub(super) struct Secrets {
    pub(super) values: Vec<(String, Map<String, Value>)>,
    pub(super) references: Map<String, Value>,
    pub(super) files: Vec<(String, PathBuf)>,
}

impl Secrets {
    /// Reads the groups of secrets. None if there are too many to mask each.
    pub(super) fn read(
        data: Option<&Value>,
        overrides: &Overrides,
        environment: &Environment,
        is_compatible: bool,
        findings: &mut Findings,
    ) -> Option<Self> {
        let mut secrets = Self::default();
        let Some(data) = data else { return Some(secrets) };
        let Some(groups) = data.as_object() else {
            findings.say("secrets", kind(data), "a mapping of groups to their secrets");
            return Some(secrets);
        };
        for (name, own) in groups {
            let instead = overrides.secrets(name);
            let data = instead.map_or(own, |instead| &instead.value);
            let path = format!("{}secrets.{name}", instead.map_or("", |instead| &instead.origin));
            match data.as_object() {
                Some(group) if !is_reference(group) => {
                    let (values, references) = read_group(group, &path, environment, is_compatible, findings);
                    secrets.values.push((name.clone(), values));
                    secrets.references.insert(name.clone(), references.into());
                    let file = instead.and_then(|instead| instead.file.clone());
                    secrets.files.extend(file.map(|file| (name.clone(), file)));
                }
                _ => {
                    let words = if data.is_object() { "a single secret" } else { kind(data) };
                    findings.say(path, words, "a group: a mapping of names to secrets");
                }
            }
        }
        let count: usize = secrets.values.iter().flat_map(|(_, group)| group.values()).map(values).sum();
        if count > MOST {
            findings.say("secrets", &format!("{count} values"), format!("at most {MOST}"));
            return None;
        }
        Some(secrets)
    }
}

/// How many secrets an experiment may have. Each is looked for wherever something is shown.
const MOST: usize = 1000;

/// How many values there are within a secret.
fn values(secret: &Value) -> usize {
    match secret {
        Value::Array(items) => items.iter().map(values).sum(),
        Value::Object(fields) => fields.values().map(values).sum(),
        _ => 1,
    }
}

/// Whether a mapping says where a secret comes from. Other mappings are groups.
fn is_reference(map: &Map<String, Value>) -> bool {
    matches!(map.get("type").and_then(Value::as_str), Some("env" | "vault"))
}

/// Whether a mapping names a variable by a `type` that is nearly `env`. Then it is hardly meant as a value, which it is
/// in Chaos Toolkit.
fn is_slip(data: &Value, path: &str, expected: &str, findings: &mut Findings) -> bool {
    let Some(text) = data.get("type").and_then(Value::as_str).filter(|_| data.get("key").is_some()) else {
        return false;
    };
    let is_slip = text != "env" && (text.eq_ignore_ascii_case("env") || nearest(text, ["env"]).is_some());
    if is_slip {
        findings.wrong(format!("{path}.type"), &text.into(), format!("{expected}; did you mean \"env\"?"));
    }
    is_slip
}

/// The values of a group, and where they come from.
fn read_group(
    group: &Map<String, Value>,
    path: &str,
    environment: &Environment,
    is_compatible: bool,
    findings: &mut Findings,
) -> (Map<String, Value>, Map<String, Value>) {
    let (mut values, mut references) = (Map::new(), Map::new());
    for (name, data) in group {
        let path = format!("{path}.{name}");
        let (value, reference) = match data {
            Value::Object(map) if is_reference(map) => {
                let Some(value) = read_secret(data, map, &path, environment, findings) else { continue };
                // A default would be a value, and none is taken.
                let fields = map.iter().filter(|(name, _)| *name != "default");
                (value, fields.map(|(name, value)| (name.clone(), value.clone())).collect())
            }
            Value::Object(_) if !is_compatible && is_slip(data, &path, "env", findings) => continue,
            Value::Object(map) => {
                let (values, references) = read_group(map, &path, environment, is_compatible, findings);
                (values.into(), references.into())
            }
            inline => (inline.clone(), Value::Null),
        };
        values.insert(name.clone(), value);
        references.insert(name.clone(), reference);
    }
    (values, references)
}

fn read_secret(
    data: &Value,
    map: &Map<String, Value>,
    path: &str,
    environment: &Environment,
    findings: &mut Findings,
) -> Option<Value> {
    if map.get("type").and_then(Value::as_str) == Some("vault") {
        findings.say(format!("{path}.type"), "vault", "env: this program does not ask Vault");
        return None;
    }
    let fields = Fields::of(data, path, ENTRY, "", findings)?;
    let variable = fields.text("key", "the name of a variable of the environment", findings)?;
    let value = environment.get(variable);
    if value.is_none() {
        let words = format!("{variable} is not set");
        findings.say(fields.at("key"), &words, "a variable of the environment");
    }
    value.map(Value::String)
}

impl Reader<'_> {
    /// Reads the configuration.
    pub(super) fn configuration(
        &mut self,
        data: Option<&Value>,
        overrides: &Overrides,
        environment: &Environment,
    ) -> Vec<(String, Entry)> {
        let Some(data) = data else { return Vec::new() };
        let Some(entries) = data.as_object() else {
            self.findings.wrong("configuration", data, "a mapping of names to values");
            return Vec::new();
        };
        let mut read = Vec::new();
        for (name, own) in entries {
            let instead = overrides.configuration(name);
            let data = instead.map_or(own, |instead| &instead.value);
            let path = format!("{}configuration.{name}", instead.map_or("", |instead| &instead.origin));
            read.extend(self.entry(name, data, &path, environment).map(|entry| (name.clone(), entry)));
        }
        read
    }

    fn entry(&mut self, name: &str, data: &Value, path: &str, environment: &Environment) -> Option<Entry> {
        if !self.is_compatible && is_slip(data, path, "env or probe", &mut self.findings) {
            return None;
        }
        match data.get("type").and_then(Value::as_str) {
            Some("env") => self.variable(data, path, environment).map(Entry::Value),
            Some("probe") => {
                let probe = self.activity(data, path, Place::Configuration(name))?;
                Some(Entry::Probe(Arc::new(probe)))
            }
            // Any other mapping is a value of its own.
            _ => Some(Entry::Value(data.clone())),
        }
    }

    /// The value of a variable of the environment, or its default, as its type says.
    fn variable(&mut self, data: &Value, path: &str, environment: &Environment) -> Option<Value> {
        let fields = Fields::of(data, path, ENTRY, "", &mut self.findings)?;
        let variable = fields.text("key", "the name of a variable of the environment", &mut self.findings);
        let conversion = match fields.get("env_var_type") {
            None => Some(Conversion::Text),
            Some(kind) => {
                let text = kind.as_str().unwrap_or_default();
                let conversion = Conversion::named(text);
                if conversion.is_none() {
                    let names = Conversion::NAMES.map(|(name, _)| name);
                    let expected = or_nearest(Conversion::EXPECTED, text, names);
                    self.findings.wrong(fields.at("env_var_type"), kind, expected);
                }
                conversion
            }
        };
        let variable = variable?;
        let (value, at) = match (environment.get(variable), fields.raw("default")) {
            (Some(value), _) => (Value::String(value), fields.at("key")),
            (None, Some(default)) => (default.clone(), fields.at("default")),
            (None, None) => {
                let words = format!("{variable} is not set");
                let expected = "a variable of the environment, or a default";
                self.findings.say(fields.at("key"), &words, expected);
                return None;
            }
        };
        let conversion = conversion?;
        let converted = conversion.convert(&value);
        if converted.is_none() {
            let is_default = at.ends_with("default");
            if is_default {
                self.findings.wrong(at, &value, conversion.expected());
            } else {
                let shown = self.findings.shown(&value);
                self.findings.say(at, &format!("{variable} is {shown}"), conversion.expected());
            }
        }
        converted
    }
}

impl Settings {
    /// The value of an entry of the configuration, if it is known before anything runs.
    pub fn value(&self, name: &str) -> Option<&Value> {
        let entry = self.configuration.iter().find(|(known, _)| known == name);
        match entry {
            Some((_, Entry::Value(value))) => Some(value),
            _ => None,
        }
    }
}
