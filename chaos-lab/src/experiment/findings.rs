use serde_json::{Map, Value};

use crate::{
    document::{Problem, Problems, shown},
    substitution::Names,
};

/// What is wrong, as it is found. No secret is shown.
#[derive(Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    /// How many more there are.
    more: usize,
    secrets: Names,
}

/// How many problems are told. A file has more only if somebody wants it to.
const MOST: usize = 1000;
/// How many parts of a value may be shown: more than there are letters of it.
const PARTS: usize = 100;

impl Findings {
    /// From here on, these secrets are masked.
    pub(super) fn hide(&mut self, secrets: Names) {
        self.secrets = secrets;
    }

    /// A value of the document that is wrong.
    pub(super) fn wrong(&mut self, path: impl Into<String>, value: &Value, expected: impl Into<String>) {
        if self.is_full() {
            self.more += 1;
            return;
        }
        let value = self.secrets.masked(&beginning(value));
        let expected = self.masked(&expected.into());
        self.problems.push(Problem::at(path, &value, expected));
    }

    /// Something else that is wrong, in words.
    pub(super) fn say(&mut self, path: impl Into<String>, words: &str, expected: impl Into<String>) {
        if self.is_full() {
            self.more += 1;
            return;
        }
        let (words, expected) = (self.masked(words), self.masked(&expected.into()));
        self.problems.push(Problem::new(path, words, expected));
    }

    /// Problems that show no secret.
    pub(super) fn add(&mut self, problems: impl IntoIterator<Item = Problem>) {
        for problem in problems {
            if self.is_full() {
                self.more += 1;
            } else {
                self.problems.push(problem);
            }
        }
    }

    /// Whether further problems are only counted.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() >= MOST
    }

    /// A value without the secrets.
    pub(super) fn without_secrets(&self, value: &Value) -> Value {
        self.secrets.masked(value)
    }

    /// The beginning of a value without the secrets.
    pub(super) fn shown(&self, value: &Value) -> String {
        shown(&self.secrets.masked(&beginning(value)))
    }

    /// Whether a text in it names a secret.
    pub(super) fn names_a_secret(&self, data: &Value) -> bool {
        self.secrets.substitute(data) != *data
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.problems.len() + self.more
    }

    /// Forgets what was found after the first `count`. Whether that was nothing.
    pub(super) fn forget_after(&mut self, count: usize) -> bool {
        let is_sound = self.count() == count;
        self.problems.truncate(count);
        self.more = count - self.problems.len();
        is_sound
    }

    /// Puts `prefix` before the paths of those after the first `count`.
    pub(super) fn prefix_after(&mut self, count: usize, prefix: &str) {
        for problem in self.problems.iter_mut().skip(count) {
            problem.path.insert_str(0, prefix);
        }
    }

    /// In the order of the document, whose properties are `keys`. What is missing comes first.
    pub(super) fn in_order_of(mut self, keys: &[&str]) -> Self {
        let position = |problem: &Problem| {
            let first = problem.path.split(['.', '[']).next().unwrap_or_default();
            keys.iter().position(|key| *key == first)
        };
        self.problems.sort_by_key(position);
        // A name in a path may be a secret elsewhere.
        let secrets = std::mem::take(&mut self.secrets);
        for problem in &mut self.problems {
            problem.path = masked(&secrets, &problem.path);
        }
        self.secrets = secrets;
        self
    }

    /// `read`, if nothing was found.
    pub(super) fn unless_any<T>(mut self, read: Option<T>) -> Result<T, Problems> {
        match read {
            Some(read) if self.count() == 0 => Ok(read),
            _ => {
                if self.more > 0 {
                    let more = format!("{} more problems", self.more);
                    self.problems.push(Problem::new("", more, "none"));
                }
                Err(Problems::of(self.problems))
            }
        }
    }

    fn masked(&self, words: &str) -> String {
        masked(&self.secrets, words)
    }
}

fn masked(secrets: &Names, words: &str) -> String {
    match secrets.masked(&words.into()) {
        Value::String(words) => words,
        other => other.to_string(),
    }
}

/// A value without the parts that come after the first few.
fn beginning(value: &Value) -> Value {
    let mut parts = PARTS;
    first_parts(value, &mut parts)
}

fn first_parts(value: &Value, parts: &mut usize) -> Value {
    *parts = parts.saturating_sub(1);
    match value {
        Value::Array(items) => {
            let mut shown = Vec::new();
            for item in items {
                if *parts == 0 {
                    break;
                }
                shown.push(first_parts(item, parts));
            }
            shown.into()
        }
        Value::Object(fields) => {
            let mut shown = Map::new();
            for (key, value) in fields {
                if *parts == 0 {
                    break;
                }
                shown.insert(key.clone(), first_parts(value, parts));
            }
            shown.into()
        }
        other => other.clone(),
    }
}
