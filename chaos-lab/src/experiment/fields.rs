use chaos_core::text::nearest;
use serde_json::{Map, Value};

use super::findings::Findings;

/// A mapping at its path in the document. A property that is null is as one that is missing.
pub(super) struct Fields<'v> {
    map: &'v Map<String, Value>,
    path: String,
    known: &'static [&'static str],
}

impl<'v> Fields<'v> {
    /// The mapping that `data` is. `known` are the properties that mean something there.
    pub(super) fn of(
        data: &'v Value,
        path: &str,
        known: &'static [&'static str],
        expected: &str,
        findings: &mut Findings,
    ) -> Option<Self> {
        let map = data.as_object();
        if map.is_none() {
            findings.wrong(path, data, expected);
        }
        Some(Self { map: map?, path: path.to_owned(), known })
    }

    /// The path of a property.
    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Its own path.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn map(&self) -> &'v Map<String, Value> {
        self.map
    }

    /// A property, null as well.
    pub(super) fn raw(&self, name: &str) -> Option<&'v Value> {
        self.map.get(name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'v Value> {
        self.raw(name).filter(|value| !value.is_null())
    }

    /// A property that must be there.
    pub(super) fn required(&self, name: &str, expected: &str, findings: &mut Findings) -> Option<&'v Value> {
        let found = self.raw(name);
        if found.is_none() {
            let words = match self.misspelt(name) {
                Some(near) => format!("missing, but {near:?} is there"),
                None => "missing".to_owned(),
            };
            findings.say(self.at(name), &words, expected);
        }
        found
    }

    /// A property that must be a text with something in it.
    pub(super) fn text(&self, name: &str, expected: &str, findings: &mut Findings) -> Option<&'v str> {
        let found = self.required(name, expected, findings)?;
        let text = text_of(found);
        if text.is_none() {
            findings.wrong(self.at(name), found, expected);
        }
        text
    }

    /// A property that may be missing, if `read` makes something of it.
    pub(super) fn optional<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&'v Value) -> Option<T>,
        findings: &mut Findings,
    ) -> Option<T> {
        let found = self.get(name)?;
        let read = read(found);
        if read.is_none() {
            findings.wrong(self.at(name), found, expected);
        }
        read
    }

    /// A mapping that may be missing.
    pub(super) fn fields(
        &self,
        name: &str,
        known: &'static [&'static str],
        expected: &str,
        findings: &mut Findings,
    ) -> Option<Self> {
        Self::of(self.get(name)?, &self.at(name), known, expected, findings)
    }

    /// The items of a list that may be missing, each with its path.
    pub(super) fn items(
        &self,
        name: &str,
        expected: &str,
        findings: &mut Findings,
    ) -> Vec<(String, &'v Value)> {
        let items = self.optional(name, expected, Value::as_array, findings).into_iter().flatten();
        items.enumerate().map(|(index, item)| (format!("{}[{index}]", self.at(name)), item)).collect()
    }

    /// Tells each property without a meaning whose name is nearly one of `names` that is not there.
    pub(super) fn suspect(&self, names: &[&str], findings: &mut Findings) {
        if self.map.keys().all(|key| self.known.contains(&key.as_str())) {
            return;
        }
        for name in names.iter().filter(|name| self.raw(name).is_none()) {
            if let Some(near) = self.misspelt(name) {
                let words = "an unknown property";
                findings.say(self.at(near), words, format!("{name:?}, or a name that is not nearly that"));
            }
        }
    }

    /// A property without a meaning whose name is nearly `name`.
    fn misspelt(&self, name: &str) -> Option<&'v str> {
        let unknown = self.map.keys().map(String::as_str).filter(|key| !self.known.contains(key));
        nearest(name, unknown)
    }
}

/// A text with something in it.
pub(super) fn text_of(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.trim().is_empty())
}

/// A number that is greater than zero.
pub(super) fn positive(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| *number > 0.0)
}

/// A text that stands for a value by its name.
pub(super) fn is_name(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("${") && text.ends_with('}'))
}
