use std::collections::BTreeMap;

use chaos_core::text::escaped;
use serde_json::{Map, Number, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::problems::{Place, Problem, Problems};

/// The text of a file in TOML, as data, with the place of each key.
#[derive(Debug)]
pub(super) struct Document {
    /// What it is called in problems.
    name: String,
    root: Map<String, Value>,
    /// By path, such as `events[0].duration`.
    places: BTreeMap<String, Place>,
}

impl Document {
    /// Reads `text`, which is called `name` in problems. A problem never shows the line that it is about, because that
    /// may hold a secret.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        let lines = Lines::of(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let problem = |error: toml::de::Error| {
                let place = error.span().map(|span| lines.place(span.start));
                Problem::new(place, error.message().to_owned())
            };
            return Err(Problems::new(name, errors.into_iter().map(problem).collect()));
        }
        let mut reading = Reading { lines, places: BTreeMap::new() };
        let root = reading.table("", table.get_ref());
        Ok(Self { name: name.to_owned(), root, places: reading.places })
    }

    /// Sets one value, as `--set` gives it: `schedule.mean=3`. A text that is no value in TOML is taken as a text.
    pub(super) fn set(&mut self, assignment: &str) -> Result<(), Problems> {
        let wrong = |expected: &str| {
            let what = format!("invalid --set: expected {expected}");
            Err(Problems::new(&self.name, vec![Problem::new(None, what)]))
        };
        let Some((key, text)) = assignment.split_once('=') else {
            return wrong("a key and its value, such as schedule.mean=3");
        };
        let key = key.trim();
        let names: Vec<&str> = key.split('.').map(str::trim).collect();
        let value = match DeValue::parse(text.trim()) {
            Ok(value) => {
                Reading { lines: Lines::of(text), places: BTreeMap::new() }.value(key, value.get_ref())
            }
            Err(_) => Value::from(text),
        };
        match place_of(&mut self.root, &names) {
            Some(place) => *place = value,
            None => {
                return wrong("the key of a value outside of lists, such as schedule.mean");
            }
        }
        let place = Place::Argument(format!("--set {}", escaped(key)));
        for end in 1..=names.len() {
            // Tables that were there before keep their places.
            let path = names[..end].join(".");
            if end == names.len() {
                let beneath = [format!("{path}."), format!("{path}[")];
                self.places.retain(|known, _| !beneath.iter().any(|start| known.starts_with(start)));
                self.places.insert(path, place.clone());
            } else {
                self.places.entry(path).or_insert_with(|| place.clone());
            }
        }
        Ok(())
    }

    /// The data.
    pub(super) fn root(&self) -> &Map<String, Value> {
        &self.root
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The place of a path: of the longest part of it that is there.
    pub(super) fn place(&self, path: &str) -> Option<Place> {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return Some(place.clone());
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

/// Where `names` lead to; tables on the way are made. `None` if something else than a table is in the way.
fn place_of<'a>(root: &'a mut Map<String, Value>, names: &[&str]) -> Option<&'a mut Value> {
    let (last, tables) = names.split_last()?;
    let mut table = root;
    for name in tables {
        table = table.entry(*name).or_insert_with(|| Value::Object(Map::new())).as_object_mut()?;
    }
    if last.is_empty() {
        return None;
    }
    Some(table.entry(*last).or_insert(Value::Null))
}

struct Reading {
    lines: Lines,
    places: BTreeMap<String, Place>,
}

impl Reading {
    fn table(&mut self, path: &str, table: &DeTable<'_>) -> Map<String, Value> {
        let mut fields = Map::new();
        for (key, value) in table {
            let path =
                if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
            self.places.insert(path.clone(), self.lines.place(key.span().start));
            fields.insert(key.get_ref().to_string(), self.value(&path, value.get_ref()));
        }
        fields
    }

    fn value(&mut self, path: &str, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::from(text.as_ref()),
            DeValue::Integer(number) => {
                let digits = number.as_str();
                let read = i128::from_str_radix(digits, number.radix());
                let number = read.ok().and_then(Number::from_i128);
                // What is too large is refused as a text.
                number.map_or_else(|| Value::from(digits), Value::Number)
            }
            // What is no number in JSON, such as nan, is refused where it is read.
            DeValue::Float(number) => {
                let read = number.as_str().parse().ok().and_then(Number::from_f64);
                read.map_or_else(|| Value::from(number.as_str()), Value::Number)
            }
            DeValue::Boolean(is_set) => Value::Bool(*is_set),
            DeValue::Datetime(instant) => Value::from(instant.to_string()),
            DeValue::Array(items) => {
                let item = |(index, item): (usize, &Spanned<DeValue<'_>>)| {
                    let path = format!("{path}[{index}]");
                    self.places.insert(path.clone(), self.lines.place(item.span().start));
                    self.value(&path, item.get_ref())
                };
                items.iter().enumerate().map(item).collect()
            }
            DeValue::Table(table) => Value::Object(self.table(path, table)),
        }
    }
}

/// Where the lines of a text begin.
struct Lines {
    text: String,
    begins: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let after_line_ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text: text.to_owned(), begins: std::iter::once(0).chain(after_line_ends).collect() }
    }

    fn place(&self, at: usize) -> Place {
        let line = self.begins.partition_point(|begin| *begin <= at);
        let begin = self.begins.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.text.get(begin..at).map_or(0, |before| before.chars().count()) + 1;
        Place::Line { line, column }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_key_and_item_has_its_place() {
        let events = "[[events]]\ntype = \"stop\"\n[[events]]\nports = [1, 2]\n";
        let text = &format!("mode = \"leashed\"\n[schedule]\n  mean = 5\n{events}");
        let document = Document::parse("monkey.toml", text).unwrap();
        let expected = json!({
            "mode": "leashed", "schedule": { "mean": 5 }, "events": [{ "type": "stop" }, { "ports": [1, 2] }],
        });
        assert_eq!(Value::Object(document.root().clone()), expected);
        for (path, place) in [
            ("mode", "1:1"),
            ("schedule.mean", "3:3"),
            ("schedule.nothing", "2:2"),
            ("events[0].type", "5:1"),
            ("events[1].ports[1]", "7:13"),
        ] {
            assert_eq!(document.place(path).unwrap().to_string(), place, "{path}");
        }
    }

    #[test]
    fn no_error_of_the_syntax_shows_a_line_of_the_file() {
        for text in ["password = \"hunter2", "password = hunter2", "a = 'hunter2'\na = 'hunter2'", "hunter2"]
        {
            let problems = Document::parse("monkey.toml", text).unwrap_err().to_string();
            assert!(problems.starts_with("monkey.toml:"), "{problems}");
            assert!(!problems.contains("hunter2") || text == "hunter2", "{problems}");
        }
    }

    #[test]
    fn a_value_can_be_set_and_says_where_it_comes_from() {
        let mut document = Document::parse("monkey.toml", "[schedule]\nmean = 5\n").unwrap();
        document.set("schedule.mean=3").unwrap();
        document.set("calendar.hours=09:00-15:00").unwrap();
        document.set("calendar.holidays=[\"DE\"]").unwrap();
        let expected = json!({
            "schedule": { "mean": 3 }, "calendar": { "hours": "09:00-15:00", "holidays": ["DE"] },
        });
        assert_eq!(Value::Object(document.root().clone()), expected);
        assert_eq!(document.place("schedule.mean").unwrap().to_string(), "--set schedule.mean");
        assert_eq!(document.place("schedule").unwrap().to_string(), "1:2");
        for wrong in ["schedule", "schedule.mean.x=1", "=3"] {
            assert!(document.set(wrong).unwrap_err().to_string().contains("invalid --set"), "{wrong}");
        }
    }
}
