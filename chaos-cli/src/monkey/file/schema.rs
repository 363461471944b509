//! The JSON schema of the file, from the descriptions that read it.

use chaos_core::{
    BlastRadius,
    catalogue::{Parameter, ParameterKind, Parameters, ProbeCatalogue, Repetition},
};
use serde_json::{Map, Value, json};

use super::{
    calendar, groups,
    monkey_file::{self, Catalogues},
    notify, schedule, service, steady_state, targets,
};

/// The schema, in draft 2020-12.
pub(crate) fn schema(catalogues: &Catalogues) -> Value {
    let mut file = object(&monkey_file::parameters());
    let mut add = |name: &str, about: &str, schema: Value| insert(&mut file, name, about, schema);
    let mut hours = object(&calendar::parameters());
    let about =
        "The address of a company calendar that is fetched now and then; the last good copy lasts a week";
    let references = json!({ "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/reference" } });
    insert(&mut hours, calendar::FEEDS, about, references);
    add("calendar", "When chaos is welcome. Without it: always", hours);
    add("schedule", "How often", object(&schedule::parameters()));
    add("blast-radius", "How much may be broken at once", object(&BlastRadius::parameters()));
    add("steady-state", "What normal is", steady_state_schema(&catalogues.probes));
    add("targets", "Who is never touched", object(&targets::parameters()));
    let mut rules = object(&groups::parameters());
    let about = "What normal is for these groups, beside that of the whole";
    insert(&mut rules, "steady-state", about, steady_state_schema(&catalogues.probes));
    let about = "What applies to some groups: the first that matches decides";
    add("groups", about, json!({ "type": "array", "items": rules }));
    let providers =
        catalogues.providers.specs().map(|spec| tagged(&spec.name, &spec.about, &spec.parameters));
    add("providers", "Where groups come from", list_of(providers));
    let events = catalogues.events.specs().map(|spec| tagged(&spec.name, &spec.about, &spec.parameters));
    add("events", "What goes wrong: one is drawn for each fault", list_of(events));
    add("notify", "Who is told", list_of(notify::kinds().into_iter().map(notifier)));
    add("service", "How it is watched", object(&service::parameters()));
    file["required"] = json!(["providers", "events"]);
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The file of `chaos monkey`",
        "$defs": {
            "reference": {
                "description": "A secret: the name of an environment variable, or a file, of which a relative one is \
                                in $CREDENTIALS_DIRECTORY",
                "type": "object",
                "properties": { "env": { "type": "string" }, "file": { "type": "string" } },
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1,
            },
        },
    });
    merged(head, file)
}

fn steady_state_schema(probes: &ProbeCatalogue) -> Value {
    let mut schema = object(&steady_state::parameters());
    let beside = ProbeCatalogue::probe_parameters();
    let of = probes.specs().map(|spec| {
        let mut probe = merged_objects(tagged(&spec.name, &spec.about, &spec.parameters), object(&beside));
        insert(&mut probe, "tolerance", "Which values are right", json!({}));
        probe
    });
    insert(&mut schema, "probes", "What is looked at", list_of(of));
    schema["required"] = json!(["probes"]);
    schema
}

/// A list of tables, of which each is one of these.
fn list_of(tables: impl Iterator<Item = Value>) -> Value {
    json!({ "type": "array", "minItems": 1, "items": { "oneOf": tables.collect::<Vec<_>>() } })
}

/// A table that its `type` names.
fn tagged(name: &str, about: &str, parameters: &Parameters) -> Value {
    let mut schema = object(parameters);
    insert(&mut schema, "type", about, json!({ "const": name }));
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    schema["required"] = std::iter::once(json!("type")).chain(required).collect();
    schema
}

fn notifier((name, about, parameters, secrets): (&str, &str, Parameters, &[&str])) -> Value {
    let mut schema = tagged(name, about, &parameters);
    for secret in secrets {
        let property = &mut schema["properties"][*secret];
        *property = json!({ "$ref": "#/$defs/reference", "description": property["description"].take() });
    }
    schema
}

fn object(parameters: &Parameters) -> Value {
    let properties: Map<String, Value> =
        parameters.parameters.iter().map(|parameter| (parameter.name.clone(), property(parameter))).collect();
    let required = parameters.parameters.iter().filter(|parameter| parameter.required);
    let required: Vec<&str> = required.map(|parameter| parameter.name.as_str()).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn property(parameter: &Parameter) -> Value {
    let mut one = kind(&parameter.kind);
    if parameter.secret {
        one = json!({ "anyOf": [one, { "$ref": "#/$defs/reference" }] });
    }
    let mut schema = match parameter.repetition {
        Repetition::Once => one,
        _ => json!({ "anyOf": [one, { "type": "array", "items": one }] }),
    };
    schema["description"] = Value::from(sentence(&parameter.help()));
    schema
}

fn kind(kind: &ParameterKind) -> Value {
    match kind {
        ParameterKind::Flag => json!({ "type": "boolean" }),
        ParameterKind::Number { least, most, .. } => {
            json!({ "type": "number", "minimum": least, "maximum": most })
        }
        ParameterKind::Count { least, most, .. } if *most == u64::MAX => {
            json!({ "type": "integer", "minimum": least })
        }
        ParameterKind::Count { least, most, .. } => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        ParameterKind::Choice { of, .. } => {
            json!({ "enum": of.iter().map(|choice| choice.name.as_str()).collect::<Vec<_>>() })
        }
        ParameterKind::Size | ParameterKind::Quota | ParameterKind::Ports => {
            json!({ "type": ["string", "integer"] })
        }
        _ => json!({ "type": "string" }),
    }
}

fn insert(schema: &mut Value, name: &str, about: &str, mut property: Value) {
    property["description"] = Value::from(sentence(about));
    schema["properties"][name] = property;
}

/// `text` with a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn merged(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => Value::Object(one.into_iter().chain(other).collect()),
        (one, _) => one,
    }
}

/// One schema of an object with the properties and the requirements of both.
fn merged_objects(mut one: Value, other: Value) -> Value {
    let required = [&one, &other].map(|schema| schema["required"].as_array().cloned().unwrap_or_default());
    let properties = merged(one["properties"].take(), other["properties"].clone());
    one["properties"] = properties;
    one["required"] = required.concat().into();
    one
}
