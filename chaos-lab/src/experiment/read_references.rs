use std::collections::BTreeSet;

use serde_json::Value;

use super::{nearest::or_nearest, reader::Reader};
use crate::substitution::{STEPS, refers_to_steps};

impl Reader<'_> {
    /// What refers to the output of a step must mean one of the method, and just one.
    pub(super) fn references(&mut self, document: &Value) {
        let mut found = Vec::new();
        for part in ["steady-state-hypothesis", "stop-conditions", "method", "rollbacks"] {
            if refers_to_steps(&document[part]) {
                collect(&document[part], part, &mut found);
            }
        }
        if found.is_empty() {
            return;
        }
        let method = document["method"].as_array().into_iter().flatten();
        let name = |step: &Value| {
            let name = step.get("ref").filter(|name| name.is_string()).or_else(|| step.get("name"));
            name.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let names: Vec<String> = method.map(name).collect();
        let means = |inner: &str, name: &str| {
            let rest = inner.strip_prefix(name).and_then(|rest| rest.strip_prefix(".output"));
            !name.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        for (path, inner) in &found {
            if !names.iter().any(|name| means(inner, name)) {
                let asked = inner.split(".output").next().unwrap_or_default();
                let expected = or_nearest(
                    "the name of a step of the method, and .output",
                    asked,
                    names.iter().map(String::as_str),
                );
                self.findings.wrong(path, &format!("{STEPS}{inner}}}").into(), expected);
            }
        }
        let mut seen = BTreeSet::new();
        for (index, name) in names.iter().enumerate() {
            if !seen.insert(name) && found.iter().any(|(_, inner)| means(inner, name)) {
                let expected = "a name of its own, because something refers to what the step yields";
                self.findings.wrong(format!("method[{index}].name"), &name.as_str().into(), expected);
            }
        }
    }
}

/// The references in the texts of a value, each with its path.
fn collect(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => {
            let inner = text.match_indices(STEPS).filter_map(|(at, _)| {
                let (inner, _) = text[at + STEPS.len()..].split_once('}')?;
                Some((path.to_owned(), inner.to_owned()))
            });
            found.extend(inner);
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| collect(item, &format!("{path}[{index}]"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| collect(value, &format!("{path}.{key}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
