use std::time::Duration;

use serde_json::{Map, Value};

use super::{fields::Fields, provider::Provider};
use crate::{
    document::Problem,
    tolerance::{self, Tolerance},
};

/// One step of an experiment, or one probe of its hypothesis.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) provider: Provider,
    pub(crate) tolerance: Option<Tolerance>,
    pub(crate) is_background: bool,
    pub(crate) pauses: Pauses,
    /// As it is written, for the journal.
    pub(crate) written: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It looks.
    Probe,
    /// It changes something.
    Action,
}

/// Pauses before and after an activity: numbers of seconds, or names that stand for one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pauses {
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

impl Activity {
    /// Reads the activity at `path` in a document. Every problem with it is added to `problems`.
    pub(super) fn read(data: &Value, path: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let Some(map) = data.as_object() else {
            problems.push(Problem::at(path, data, "an activity: an object with type, name and provider"));
            return None;
        };
        let fields = Fields { map, path };
        let name = fields.text("name", "a name", problems);
        let kind = match fields.text("type", "probe or action", problems) {
            Some("probe") => Some(Kind::Probe),
            Some("action") => Some(Kind::Action),
            Some(_) => fields.wrong("type", &map["type"], "probe or action", problems),
            None => None,
        };
        let provider = match fields.object("provider", "an object with a type", problems) {
            Some(provider) => Provider::read(provider, &fields.at("provider"), problems),
            None if fields.get("provider").is_none() => {
                problems.push(Problem::missing(fields.at("provider"), "an object with a type"));
                None
            }
            None => None,
        };
        let tolerance = fields
            .map
            .get("tolerance")
            .and_then(|given| tolerance::read(given, &fields.at("tolerance"), problems));
        let is_background = fields.flag("background", problems);
        let pauses = Pauses::read(fields, problems);
        Some(Self {
            name: name?.to_owned(),
            kind: kind?,
            provider: provider?,
            tolerance,
            is_background,
            pauses,
            written: data.clone(),
        })
    }
}

impl Pauses {
    fn read(fields: Fields<'_>, problems: &mut Vec<Problem>) -> Self {
        let expected = "an object with before and after, each a number of seconds";
        let Some(map) = fields.object("pauses", expected, problems) else { return Self::default() };
        let path = fields.at("pauses");
        let fields = Fields { map, path: &path };
        let mut pause = |field: &str| {
            let given = fields.get(field)?;
            let is_right = match given {
                Value::String(text) => text.starts_with("${") && text.ends_with('}'),
                other => Self::seconds(other).is_some(),
            };
            if is_right {
                Some(given.clone())
            } else {
                fields.wrong(field, given, "a number of seconds", problems)
            }
        };
        Self { before: pause("before"), after: pause("after") }
    }

    /// How long a pause is, once its name is resolved.
    pub(crate) fn seconds(value: &Value) -> Option<Duration> {
        value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}

/// The activities of a list, in which `ref` stands for an activity by its name. `known` are those that it may name.
pub(super) fn read_all(
    items: &[Value],
    path: &str,
    known: &Map<String, Value>,
    problems: &mut Vec<Problem>,
) -> Vec<Activity> {
    let mut activities = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let named = item.get("ref").map(|name| (name, name.as_str().and_then(|name| known.get(name))));
        let data = match named {
            None => item,
            Some((_, Some(activity))) => activity,
            Some((name, None)) => {
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                let expected = format!("the name of an activity: {}", names.join(", "));
                problems.push(Problem::at(format!("{path}.ref"), name, expected));
                continue;
            }
        };
        activities.extend(Activity::read(data, &path, problems));
    }
    activities
}
