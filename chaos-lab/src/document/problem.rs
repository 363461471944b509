use std::{error::Error, fmt};

use serde_json::Value;

/// The longest text of a value in a problem, in characters.
const SHOWN: usize = 80;

/// One thing that is wrong with an experiment: where it is, what stands there, and what would be right.
///
/// ```
/// use chaos_lab::document::Problem;
///
/// let problem = Problem::new("method[2].provider.path", "no-such-program", "a program in PATH");
/// assert_eq!(problem.to_string(), "method[2].provider.path: no-such-program; expected a program in PATH");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The path in the document, such as `method[2].provider.path`; empty for the document itself.
    pub path: String,
    /// What stands there.
    pub value: String,
    /// What would be right.
    pub expected: String,
}

/// Everything that is wrong with an experiment, in the order of the document. There is at least one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problem {
    /// A problem at a path.
    pub fn new(path: impl Into<String>, value: impl fmt::Display, expected: impl Into<String>) -> Self {
        Self { path: path.into(), value: value.to_string(), expected: expected.into() }
    }

    /// A problem with a value of the document, which is shown as JSON and cut.
    pub(crate) fn at(path: impl Into<String>, value: &Value, expected: impl Into<String>) -> Self {
        Self::new(path, shown(value), expected)
    }
}

impl Problems {
    pub(crate) fn of(problems: Vec<Problem>) -> Self {
        Self(problems)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use chaos_core::text::escaped;
        if !self.path.is_empty() {
            write!(f, "{}: ", escaped(&self.path))?;
        }
        write!(f, "{}; expected {}", escaped(&self.value), escaped(&self.expected))
    }
}

impl fmt::Display for Problems {
    /// A line for each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .enumerate()
            .try_for_each(|(index, problem)| write!(f, "{}{problem}", if index == 0 { "" } else { "\n" }))
    }
}

impl Error for Problem {}
impl Error for Problems {}

/// The beginning of a value, as JSON.
pub(crate) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
