use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    functions::{Function, Misfit},
    substitution::STEPS,
};

use super::{
    HttpProvider, ProcessProvider, Provider, PythonProvider,
    fields::{Fields, is_name, positive, text_of},
    nearest::or_nearest,
    python_parts::PythonCall,
    reader::Reader,
};

const PROCESS: &[&str] = &["type", "path", "arguments", "timeout", "secrets"];
const HTTP: &[&str] =
    &["type", "url", "method", "headers", "arguments", "timeout", "verify_tls", "max_retries", "secrets"];
const PYTHON: &[&str] = &["type", "module", "func", "arguments", "secrets", "timeout"];
const TYPES: [&str; 3] = ["process", "http", "python"];

impl Reader<'_> {
    /// Reads a provider.
    pub(super) fn provider(&mut self, data: &Value, path: &str) -> Option<Provider> {
        let fields = Fields::of(data, path, PROCESS, "a mapping with a type", &mut self.findings)?;
        let kind = fields.required("type", "process, http or python", &mut self.findings)?;
        match kind.as_str() {
            Some("process") => {
                if !self.is_compatible {
                    fields.suspect(&["arguments", "timeout"], &mut self.findings);
                }
                self.process(&fields).map(Provider::Process)
            }
            Some("http") => {
                let fields = Fields::of(data, path, HTTP, "", &mut self.findings)?;
                if !self.is_compatible {
                    let optional = ["method", "headers", "arguments", "timeout", "verify_tls", "max_retries"];
                    fields.suspect(&optional, &mut self.findings);
                }
                self.http(&fields).map(Provider::Http)
            }
            Some("python") => {
                let fields = Fields::of(data, path, PYTHON, "", &mut self.findings)?;
                self.python(&fields).map(Provider::Python)
            }
            Some("chaos") if !self.is_compatible => {
                let fields = Fields::of(data, path, &[], "", &mut self.findings)?;
                self.chaos(&fields).map(Provider::Chaos)
            }
            other => {
                let expected = or_nearest("process, http or python", other.unwrap_or_default(), TYPES);
                self.findings.wrong(fields.at("type"), kind, expected);
                None
            }
        }
    }

    fn process(&mut self, fields: &Fields<'_>) -> Option<ProcessProvider> {
        let findings = &mut self.findings;
        let path = fields.text("path", "a program in PATH, or the path of one", findings);
        if let Some(path) = path
            && let Some(environment) = self.programs
            && (self.is_compatible || !path.contains("${"))
            && !environment.has_program(path)
        {
            let expected = if path.contains('/') { "a file that can be run" } else { "a program in PATH" };
            findings.wrong(fields.at("path"), &path.into(), expected);
        }
        let is_shape = |value: &Value| value.is_array() || value.is_object() || value.is_string();
        let arguments = fields.optional(
            "arguments",
            "a list, a mapping or a text",
            |value| shaped(value, is_shape),
            findings,
        );
        // A text is a line for a shell.
        if let Some(Value::String(line)) = &arguments
            && line.contains(STEPS)
            && !self.is_compatible
        {
            let expected = "a list, because what a step yields must not be read by a shell";
            findings.wrong(fields.at("arguments"), &line.as_str().into(), expected);
        }
        let timeout = fields.optional("timeout", "a number of seconds greater than 0", duration, findings);
        Some(ProcessProvider { path: path?.to_owned(), arguments: arguments.unwrap_or_default(), timeout })
    }

    fn http(&mut self, fields: &Fields<'_>) -> Option<HttpProvider> {
        const URL: &str = "a URL with http:// or https://";
        let findings = &mut self.findings;
        let url = fields.text("url", URL, findings);
        if let Some(url) = url
            && !self.is_compatible
            && !url.contains('$')
            && !is_url(url)
        {
            findings.wrong(fields.at("url"), &url.into(), URL);
        }
        let method = fields.optional("method", "a method such as GET", method, findings);
        let headers = fields.optional("headers", "a mapping of names to texts", Value::as_object, findings);
        for (name, value) in headers.into_iter().flatten() {
            if value.is_array() || value.is_object() {
                findings.wrong(format!("{}.{name}", fields.at("headers")), value, "a text");
            }
        }
        // What a name stands for is not known yet.
        let is_json = headers
            .and_then(|headers| headers.get("Content-Type"))
            .and_then(Value::as_str)
            .is_some_and(|kind| kind == "application/json" || kind.contains('$'));
        let is_shape = |value: &Value| is_json || value.is_array() || value.is_object() || value.is_string();
        let arguments = fields.optional(
            "arguments",
            "a mapping, a list or a text, if the header Content-Type is not application/json",
            |value| shaped(value, is_shape),
            findings,
        );
        let timeout = fields.optional(
            "timeout",
            "a number of seconds greater than 0, a list of two of them, or a text such as ${name}",
            timeout,
            findings,
        );
        let verify_tls = fields.optional("verify_tls", "true or false", Value::as_bool, findings);
        let retries = |value: &Value| u32::try_from(value.as_u64()?).ok();
        let max_retries = fields.optional("max_retries", "a whole number", retries, findings);
        Some(HttpProvider {
            url: url?.to_owned(),
            method: method.unwrap_or_else(|| "GET".to_owned()),
            headers: headers.cloned().unwrap_or_default(),
            arguments: arguments.unwrap_or_default(),
            timeout: timeout.unwrap_or_default(),
            verify_tls: verify_tls.unwrap_or(true),
            max_retries: max_retries.unwrap_or_default(),
        })
    }

    fn python(&mut self, fields: &Fields<'_>) -> Option<PythonProvider> {
        let findings = &mut self.findings;
        let module = fields.text("module", "the name of a Python module", findings);
        let function = fields.text("func", "the name of a function of the module", findings);
        let arguments =
            fields.optional("arguments", "a mapping of names to values", Value::as_object, findings);
        let secrets = fields.optional("secrets", "a list of names of groups of secrets", names, findings);
        let limit = |value: &Value| duration(value);
        // Theirs takes no notice of it. What was checked before has it if it counts.
        let timeout = if self.is_compatible && self.catalogues.is_some() {
            None
        } else {
            fields.optional("timeout", "a number of seconds greater than 0", limit, findings)
        };
        let (module, function) = (module?, function?);
        let other = fields.map().iter().filter(|(name, _)| !PYTHON.contains(&name.as_str()));
        let python = PythonProvider {
            module: module.to_owned(),
            function: function.to_owned(),
            arguments: arguments.cloned().unwrap_or_else(Map::new),
            secrets,
            timeout,
            other: other.map(|(name, value)| (name.clone(), value.clone())).collect(),
        };
        match Function::of(&python) {
            Some(function) => self.function(fields, function, &python),
            None if self.refuses_python => {
                let expected = Function::refusal(&python).unwrap_or_else(|| {
                    "process or http, or an interpreter that calls it: --python PROGRAM".to_owned()
                });
                self.findings.say(
                    fields.at("func"),
                    &format!("{}.{}", python.module, python.function),
                    expected,
                );
            }
            None => {}
        }
        if Function::here(&python).is_none() {
            let path = fields.path().to_owned();
            self.python.calls.push(PythonCall { path, provider: python.clone() });
        }
        Some(python)
    }

    /// Checks a function that is carried out here, without Python.
    fn function(&mut self, fields: &Fields<'_>, function: &Function, python: &PythonProvider) {
        // What was checked before is not checked again.
        if self.catalogues.is_none() {
            return;
        }
        let cloud = function.cloud();
        if !cloud.is_here() {
            if self.refuses_python {
                let expected = format!(
                    "a program that was built with the feature {}, or --python PROGRAM",
                    cloud.feature()
                );
                self.findings.say(fields.at("func"), &function.full_name(), expected);
            }
            return;
        }
        let arguments = match self.known.substitute(&Value::Object(python.arguments.clone())) {
            Value::Object(arguments) => arguments,
            _ => python.arguments.clone(),
        };
        for (name, value) in arguments.iter().filter(|(_, value)| value.is_null()) {
            if let Some(written) = python.arguments.get(name).filter(|written| !written.is_null()) {
                let path = format!("{}.{name}", fields.at("arguments"));
                self.findings.wrong(path, written, format!("a value: the name stands for {value}"));
            }
        }
        for Misfit { name, value, expected } in function.misfits(&arguments) {
            let all = fields.at("arguments");
            let path = if name.is_empty() { all } else { format!("{all}.{name}") };
            match value {
                Some(value) => self.findings.wrong(path, &value, expected),
                None if name.is_empty() => {
                    self.findings.wrong(path, &Value::Object(python.arguments.clone()), expected);
                }
                None => self.findings.say(path, "missing", expected),
            }
        }
    }
}

fn shaped(value: &Value, is_shape: impl Fn(&Value) -> bool) -> Option<Value> {
    is_shape(value).then(|| value.clone())
}

/// So many seconds.
pub(super) fn duration(value: &Value) -> Option<Duration> {
    Duration::try_from_secs_f64(positive(value)?).ok()
}

/// The limit of a request. A name stands for one that is not known yet.
fn timeout(value: &Value) -> Option<Value> {
    let is_limit = |value: &Value| duration(value).is_some() || is_name(value);
    let is_sound = match value {
        Value::Array(items) => items.len() == 2 && items.iter().all(|item| item.is_null() || is_limit(item)),
        other => is_limit(other),
    };
    is_sound.then(|| value.clone())
}

fn method(value: &Value) -> Option<String> {
    let text = text_of(value)?;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    text.bytes().all(is_letter).then(|| text.to_ascii_uppercase())
}

fn is_url(text: &str) -> bool {
    let lower = text.trim_start().to_ascii_lowercase();
    let rest = lower.strip_prefix("http://").or_else(|| lower.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':']))
}

/// The names of groups of secrets: those of a list, or the keys of a mapping.
fn names(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().map(|item| text_of(item).map(str::to_owned)).collect(),
        Value::Object(map) => Some(map.keys().cloned().collect()),
        _ => None,
    }
}
