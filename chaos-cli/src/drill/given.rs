use std::{borrow::Cow, path::Path};

use chaos_core::catalogue::Arguments;

use crate::program::quoted;

/// One argument as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) name: Cow<'static, str>,
    /// `None` for a flag.
    pub(super) value: Option<String>,
}

impl Given {
    pub(super) fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: Some(value.into()) }
    }

    pub(super) fn some(name: &'static str, value: Option<&String>) -> Option<Self> {
        value.map(|value| Self::new(name, value))
    }

    /// All arguments that were given for the parameters of a catalogue.
    pub(super) fn all(arguments: &Arguments) -> Vec<Self> {
        arguments.given().map(|(name, value)| Self { name: format!("--{name}").into(), value }).collect()
    }

    /// With all of `words` as its value, if there are any.
    pub(super) fn list(name: &'static str, words: &[String]) -> Option<Self> {
        (!words.is_empty()).then(|| Self::new(name, words.join(",")))
    }

    pub(super) fn flag(name: &'static str) -> Self {
        Self { name: name.into(), value: None }
    }
}

/// ` --name value` for each, as a shell reads it back.
pub(super) fn command_line<'a>(given: impl IntoIterator<Item = &'a Given>) -> String {
    let mut line = String::new();
    for Given { name, value } in given {
        line.push_str(&format!(" {name}"));
        if let Some(value) = value {
            line.push_str(&format!(" {}", quoted(Path::new(value))));
        }
    }
    line
}
