use serde_json::Value;

use crate::{
    document::{Problem, Problems},
    substitution::Names,
};

/// What is wrong, as it is found. No secret is shown.
#[derive(Default)]
pub(super) struct Findings {
    problems: Vec<Problem>,
    secrets: Names,
}

impl Findings {
    /// From here on, these secrets are masked.
    pub(super) fn hide(&mut self, secrets: Names) {
        self.secrets = secrets;
    }

    /// A value of the document that is wrong.
    pub(super) fn wrong(&mut self, path: impl Into<String>, value: &Value, expected: impl Into<String>) {
        let expected = self.masked(&expected.into());
        self.problems.push(Problem::at(path, &self.secrets.masked(value), expected));
    }

    /// Something else that is wrong, in words.
    pub(super) fn say(&mut self, path: impl Into<String>, words: &str, expected: impl Into<String>) {
        let (words, expected) = (self.masked(words), self.masked(&expected.into()));
        self.problems.push(Problem::new(path, words, expected));
    }

    pub(super) fn add(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.problems.extend(problems);
    }

    /// A value without the secrets.
    pub(super) fn without_secrets(&self, value: &Value) -> Value {
        self.secrets.masked(value)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.problems.len()
    }

    /// Forgets what was found after the first `count`. Whether that was nothing.
    pub(super) fn forget_after(&mut self, count: usize) -> bool {
        let is_sound = self.problems.len() == count;
        self.problems.truncate(count);
        is_sound
    }

    /// In the order of the document, whose properties are `keys`. What is missing comes first.
    pub(super) fn in_order_of(mut self, keys: &[&str]) -> Self {
        let position = |problem: &Problem| {
            let first = problem.path.split(['.', '[']).next().unwrap_or_default();
            keys.iter().position(|key| *key == first)
        };
        self.problems.sort_by_key(position);
        self
    }

    /// `read`, if nothing was found.
    pub(super) fn unless_any<T>(self, read: Option<T>) -> Result<T, Problems> {
        match read {
            Some(read) if self.problems.is_empty() => Ok(read),
            _ => Err(Problems::of(self.problems)),
        }
    }

    fn masked(&self, words: &str) -> String {
        match self.secrets.masked(&words.into()) {
            Value::String(words) => words,
            other => other.to_string(),
        }
    }
}
