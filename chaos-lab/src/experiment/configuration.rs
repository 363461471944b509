use serde_json::{Map, Value};

use super::{activity::Activity, fields::Fields};
use crate::document::Problem;

/// One entry of the configuration or of a group of secrets.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) source: Source,
}

/// Where the value of an entry comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// It is written there.
    Inline(Value),
    /// A variable of the environment.
    Environment { variable: String, default: Option<Value>, form: Form },
    /// What a probe yields before the experiment.
    Probe(Box<Activity>),
}

/// What the text of a variable is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Whole,
    Number,
    Boolean,
    Json,
}

impl Entry {
    /// The entries of a configuration.
    pub(super) fn configuration(map: &Map<String, Value>, problems: &mut Vec<Problem>) -> Vec<Self> {
        map.iter()
            .filter_map(|(name, value)| {
                let path = format!("configuration.{name}");
                let source = match value.get("type").and_then(Value::as_str) {
                    Some("env") => environment(value, &path, problems)?,
                    Some("probe") => Source::Probe(Box::new(Activity::read(value, &path, problems)?)),
                    _ => Source::Inline(value.clone()),
                };
                Some(Self { name: name.clone(), source })
            })
            .collect()
    }

    /// The groups of the secrets.
    pub(super) fn secrets(map: &Map<String, Value>, problems: &mut Vec<Problem>) -> Vec<(String, Vec<Self>)> {
        let mut groups = Vec::new();
        for (group, entries) in map {
            let path = format!("secrets.{group}");
            let Some(entries) = entries.as_object() else {
                // The value may be a secret itself.
                problems.push(Problem::new(
                    path,
                    "a value that is not shown",
                    "an object of names and values",
                ));
                continue;
            };
            let read = entries.iter().filter_map(|(name, value)| {
                let path = format!("{path}.{name}");
                let source = match value.get("type").and_then(Value::as_str) {
                    Some("env") => environment(value, &path, problems)?,
                    Some("vault") => {
                        let expected = "env or a value, because secrets of a vault are not supported";
                        problems.push(Problem::new(format!("{path}.type"), "vault", expected));
                        return None;
                    }
                    _ => Source::Inline(value.clone()),
                };
                Some(Self { name: name.clone(), source })
            });
            let read = read.collect();
            groups.push((group.clone(), read));
        }
        groups
    }
}

fn environment(value: &Value, path: &str, problems: &mut Vec<Problem>) -> Option<Source> {
    let fields = Fields { map: value.as_object()?, path };
    let variable = fields.text("key", "the name of a variable of the environment", problems);
    let form = match fields.optional_text("env_var_type", "the name of a type", problems) {
        None => Form::Text,
        Some(name) => match Form::by_name(name) {
            Some(form) => form,
            None => fields.wrong("env_var_type", &fields.map["env_var_type"], Form::NAMES, problems)?,
        },
    };
    Some(Source::Environment {
        variable: variable?.to_owned(),
        default: fields.map.get("default").cloned(),
        form,
    })
}

impl Form {
    const NAMES: &'static str = "str, int, float, number, bytes, bool or json";

    fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "str" | "bytes" => Self::Text,
            "int" => Self::Whole,
            "float" | "number" => Self::Number,
            "bool" => Self::Boolean,
            "json" => Self::Json,
            _ => return None,
        })
    }

    /// The value that a text stands for.
    ///
    /// # Errors
    /// What it should be.
    pub(crate) fn read(self, text: &str) -> Result<Value, &'static str> {
        match self {
            Self::Text => Ok(text.into()),
            Self::Whole => text.trim().parse::<i64>().map(Value::from).map_err(|_| "a whole number"),
            Self::Number => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(number.into()),
                _ => Err("a number"),
            },
            Self::Boolean => Ok((!matches!(text.to_ascii_lowercase().as_str(), "false" | "0" | "no")).into()),
            Self::Json => serde_json::from_str(text).map_err(|_| "JSON"),
        }
    }
}
