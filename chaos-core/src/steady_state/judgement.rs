use std::{fmt, time::Duration};

use serde_json::Value;

use crate::text::escaped;

/// Values are shown up to this length, in bytes.
const SHOWN: usize = 256;

/// A look as a [`Tolerance`](super::Tolerance) sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Look<'a> {
    /// The value that was read.
    pub value: &'a Value,
    /// How long the look took.
    pub took: Duration,
    /// The median of the numbers that were seen before the injection, if any was.
    pub normal: Option<f64>,
}

impl<'a> Look<'a> {
    /// A look that took no time, before anything is known to be normal: the start of a value for a test.
    pub fn of(value: &'a Value) -> Self {
        Self { value, took: Duration::ZERO, normal: None }
    }

    /// Sets how long the look took.
    #[must_use]
    pub fn took(mut self, took: Duration) -> Self {
        self.took = took;
        self
    }

    /// Sets what was normal before the injection.
    #[must_use]
    pub fn normally(mut self, normal: f64) -> Self {
        self.normal = Some(normal);
        self
    }
}

/// A value as a person reads it: on one line, and cut.
pub(super) struct Shown<'a>(pub(super) &'a Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => write!(f, "\"{}\"", escaped(&cut(text))),
            // Writes no more than is shown, however large the value is.
            value => {
                let mut short = Short { text: String::new(), is_cut: false };
                let _ = fmt::write(&mut short, format_args!("{value}"));
                let more = if short.is_cut { "…" } else { "" };
                write!(f, "{}{more}", escaped(&short.text))
            }
        }
    }
}

/// At most [`SHOWN`] bytes of a text, and a mark if there was more.
pub(super) fn cut(text: &str) -> String {
    cut_to(SHOWN, text)
}

/// At most so many bytes of a text, and a mark if there was more.
pub(super) fn cut_to(most: usize, text: &str) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(most)])
}

/// Takes text until it has enough.
struct Short {
    text: String,
    is_cut: bool,
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = SHOWN.saturating_sub(self.text.len());
        let end = text.floor_char_boundary(room);
        self.text.push_str(&text[..end]);
        if end < text.len() {
            self.is_cut = true;
            return Err(fmt::Error);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_on_one_line_and_cut() {
        assert_eq!(Shown(&json!(503)).to_string(), "503");
        assert_eq!(Shown(&json!("out\nof stock")).to_string(), r#""out\nof stock""#);
        let large = json!({ "body": "é".repeat(50_000_000) });
        let shown = Shown(&large).to_string();
        assert!(shown.len() <= SHOWN + "…".len() && shown.ends_with('…'), "{shown}");
        let shown = Shown(&json!("é".repeat(1_000))).to_string();
        assert!(shown.len() <= SHOWN + "\"…\"".len(), "{}", shown.len());
    }
}
