use std::fmt;

use chaos_core::text::escaped;

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In the file, both counted from 1.
    Line { line: usize, column: usize },
    /// On the command line.
    Argument(String),
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Problem {
    /// `None` for the file as a whole.
    place: Option<Place>,
    what: String,
}

/// Everything that is wrong with a file, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problems {
    file: String,
    problems: Vec<Problem>,
}

impl Problem {
    pub(super) fn new(place: Option<Place>, what: String) -> Self {
        Self { place, what }
    }
}

impl Problems {
    pub(super) fn new(file: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        Self { file: file.to_owned(), problems }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { line, column } => write!(f, "{line}:{column}"),
            Self::Argument(argument) => f.write_str(argument),
        }
    }
}

impl fmt::Display for Problems {
    /// A line for each, in the form that editors jump to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { place, what }) in self.problems.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            let (file, what) = (escaped(&self.file), escaped(what));
            match place {
                Some(Place::Argument(argument)) => write!(f, "{line_end}{argument}: {what}")?,
                Some(place) => write!(f, "{line_end}{file}:{place}: {what}")?,
                None => write!(f, "{line_end}{file}: {what}")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
