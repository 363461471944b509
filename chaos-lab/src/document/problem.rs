use std::{
    error::Error,
    fmt,
    path::{Path, PathBuf},
};

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
#[derive(Clone, PartialEq, Eq)]
pub struct Problems {
    problems: Vec<Problem>,
    file: Option<PathBuf>,
}

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
        Self { problems, file: None }
    }

    /// The file that they are about.
    pub(crate) fn in_file(mut self, file: &Path) -> Self {
        self.file = Some(file.to_owned());
        self
    }

    /// The file that they are about, if it was one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter()
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
        self.problems
            .iter()
            .enumerate()
            .try_for_each(|(index, problem)| write!(f, "{}{problem}", if index == 0 { "" } else { "\n" }))
    }
}

impl fmt::Debug for Problems {
    /// As [`Display`](fmt::Display), after the name of the file: a test that fails with it shows this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            writeln!(f, "{}:", file.display())?;
        }
        fmt::Display::fmt(self, f)
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
