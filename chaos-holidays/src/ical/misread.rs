use std::error::Error as StdError;

use chaos_core::{Error, text::escaped};

/// Longest part of a foreign text in an error.
const LONGEST: usize = 80;

pub(super) type Read<T> = Result<T, Misread>;

/// Says which line of a calendar is not understood.
#[derive(Debug)]
pub(super) struct Misread {
    line: usize,
    found: String,
    expected: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Misread {
    /// `found` may be hostile.
    pub(super) fn new(line: usize, found: &str, expected: impl Into<String>) -> Self {
        Self { line, found: shown(found, LONGEST), expected: expected.into(), source: None }
    }

    pub(super) fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The error about the calendar of this name.
    pub(super) fn of(self, name: &str) -> Error {
        let value = format_args!("line {}: {}", self.line, self.found);
        let error = Error::invalid(format_args!("calendar {name}"), value, self.expected);
        match self.source {
            Some(source) => error.caused_by(source),
            None => error,
        }
    }
}

/// At most so many characters of a foreign text, on one line.
pub(super) fn shown(text: &str, longest: usize) -> String {
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(longest).collect();
    let rest = if characters.next().is_some() { "…" } else { "" };
    format!("{}{rest}", escaped(&start))
}
