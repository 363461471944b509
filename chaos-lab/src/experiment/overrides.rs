use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{environment::Environment, fields::Fields, findings::Findings, options::ReadOptions};
use crate::document::{self, Problem};

/// What options and files say in place of the experiment's own configuration and secrets.
#[derive(Default)]
pub(super) struct Overrides {
    configuration: Vec<Override>,
    secrets: Vec<Override>,
}

/// A value, with the name of its file and a colon before its path if it comes from a file.
#[derive(Clone)]
pub(super) struct Override {
    name: String,
    pub(super) value: Value,
    pub(super) origin: String,
    /// The file.
    pub(super) file: Option<PathBuf>,
}

impl Overrides {
    /// Reads the files, and takes the variables. What comes later wins, and the variables win over the files.
    pub(super) fn of(options: &ReadOptions, environment: &mut Environment, findings: &mut Findings) -> Self {
        let mut overrides = Self::default();
        for file in &options.variable_files {
            if let Err(problem) = overrides.add_file(file, environment, findings) {
                findings.add([problem]);
            }
        }
        overrides.configuration.extend(options.variables.iter().map(|variable| Override {
            name: variable.name.clone(),
            value: variable.value.clone(),
            origin: String::new(),
            file: None,
        }));
        overrides
    }

    pub(super) fn configuration(&self, name: &str) -> Option<&Override> {
        self.configuration.iter().rev().find(|known| known.name == name)
    }

    pub(super) fn secrets(&self, group: &str) -> Option<&Override> {
        self.secrets.iter().rev().find(|known| known.name == group)
    }

    fn add_file(
        &mut self,
        file: &Path,
        environment: &mut Environment,
        findings: &mut Findings,
    ) -> Result<(), Problem> {
        const KNOWN: &[&str] = &["configuration", "secrets"];
        let name = file.display().to_string();
        let extension = file.extension().and_then(|extension| extension.to_str());
        if !matches!(extension, Some("yaml" | "yml" | "json")) {
            let lines = document::read_text(file)?;
            environment.added.extend(variables(&lines, &name, findings));
            return Ok(());
        }
        let data = document::read(file)?;
        let Value::Object(map) = &data else {
            // The values may be secret.
            findings.say(name, kind(&data), "a mapping with configuration and secrets");
            return Ok(());
        };
        let origin = format!("{name}: ");
        let fields = Fields::of(&data, "", KNOWN, "", findings);
        if !map.is_empty() && KNOWN.iter().all(|known| !map.contains_key(*known)) {
            findings.say(&name, "has neither", "a mapping with configuration and secrets");
        }
        for (known, into) in [("configuration", &mut self.configuration), ("secrets", &mut self.secrets)] {
            match fields.as_ref().and_then(|fields| fields.get(known)) {
                None => {}
                Some(Value::Object(values)) => into.extend(overrides(values, &origin, file)),
                Some(other) => findings.say(format!("{origin}{known}"), kind(other), "a mapping"),
            }
        }
        Ok(())
    }
}

fn overrides(values: &Map<String, Value>, origin: &str, file: &Path) -> impl Iterator<Item = Override> {
    values.iter().map(|(name, value)| Override {
        name: name.clone(),
        value: value.clone(),
        origin: origin.to_owned(),
        file: Some(file.to_owned()),
    })
}

/// The variables of lines such as `KEY=VALUE`. Empty lines and those that begin with `#` say nothing.
fn variables(lines: &str, file: &str, findings: &mut Findings) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    for (index, line) in lines.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once('=').filter(|(name, _)| !name.is_empty()) {
            Some((name, value)) => variables.push((name.to_owned(), value.to_owned())),
            // What stands there may be secret.
            None => findings.say(format!("{file}: line {}", index + 1), "no variable", "KEY=VALUE"),
        }
    }
    variables
}

/// What a value is, for one that must not be shown.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
