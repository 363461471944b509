use std::time::Duration;

use serde_json::{Map, Value};

use super::{fields::Fields, programs};
use crate::document::Problem;

/// What carries out an activity. Its arguments may hold names, so they are resolved before each use.
#[derive(Clone, Debug)]
pub(crate) enum Provider {
    Process(ProcessCall),
}

/// A program to run.
#[derive(Clone, Debug)]
pub(crate) struct ProcessCall {
    pub(crate) path: String,
    pub(crate) arguments: Value,
    pub(crate) timeout: Option<Duration>,
}

/// The arguments of a program once names are resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// Words.
    List(Vec<String>),
    /// A line for `/bin/sh`, as Chaos Toolkit runs it.
    Shell(String),
}

impl Provider {
    /// Reads the provider at `path` in a document.
    pub(super) fn read(fields: &Map<String, Value>, path: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let fields = Fields { map: fields, path };
        match fields.text("type", "process, http or python", problems)? {
            "process" => ProcessCall::read(fields, problems).map(Self::Process),
            _ => fields.wrong("type", &fields.map["type"], "process", problems),
        }
    }
}

impl ProcessCall {
    fn read(fields: Fields<'_>, problems: &mut Vec<Problem>) -> Option<Self> {
        let path = fields.text("path", "a program", problems)?;
        if programs::found(path).is_none() {
            problems.push(Problem::new(
                fields.at("path"),
                path,
                "a program that can be run, by its path or in PATH",
            ));
        }
        let arguments = match fields.get("arguments") {
            None => Value::Array(Vec::new()),
            Some(given @ (Value::Array(_) | Value::Object(_) | Value::String(_))) => given.clone(),
            Some(other) => {
                let expected = "a list of words, a line for /bin/sh, or an object of names and values";
                fields.wrong("arguments", other, expected, problems)?
            }
        };
        let timeout = match fields.get("timeout") {
            None => None,
            Some(given) => match given.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            {
                Some(timeout) if !timeout.is_zero() => Some(timeout),
                _ => fields.wrong("timeout", given, "a number of seconds, more than zero", problems)?,
            },
        };
        Some(Self { path: path.to_owned(), arguments, timeout })
    }
}
