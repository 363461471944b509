use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

/// How an activity is carried out. Values are as in the document: names are substituted when it runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Provider {
    /// Starts a process.
    Process(ProcessProvider),
    /// Sends a request.
    Http(HttpProvider),
    /// Calls a function of Python.
    Python(PythonProvider),
    /// Injects an event of this library, or asks a probe of it.
    Chaos(ChaosProvider),
}

/// An event or a probe of this library, by its name.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ChaosProvider {
    /// What it is.
    pub kind: ChaosKind,
    /// The name in its catalogue.
    pub name: String,
    /// Everything else: for an event its parameters, the provider of its targets with the settings of that, the groups
    /// and the blast radius; for a probe its parameters.
    pub settings: Map<String, Value>,
}

/// What a provider of this library is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an activity is one of these two as well")]
pub enum ChaosKind {
    /// An event.
    Event,
    /// A probe.
    Probe,
}

/// A process.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProcessProvider {
    /// The program: a path, or a name that is looked up in PATH.
    pub path: String,
    /// A list (null and empty texts are left out), a mapping (keys and values in turn), or a text, with which the whole
    /// line is given to `/bin/sh`. Null: none.
    pub arguments: Value,
    /// How long it may take.
    pub timeout: Option<Duration>,
}

impl ProcessProvider {
    /// A process without a time limit.
    pub fn new(path: impl Into<String>, arguments: impl Into<Value>) -> Self {
        Self { path: path.into(), arguments: arguments.into(), timeout: None }
    }
}

/// A request over HTTP.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HttpProvider {
    /// The URL, which may hold names.
    pub url: String,
    /// The method; GET by default.
    pub method: String,
    /// Headers.
    pub headers: Map<String, Value>,
    /// For GET the query; otherwise the body, as JSON if the header `Content-Type` is exactly `application/json`, else
    /// as a form. Null: none.
    pub arguments: Value,
    /// Seconds, or a list of the seconds for the connection and those for each read. Null: no limit.
    pub timeout: Value,
    /// Whether the certificate must be trusted. Default: true.
    pub verify_tls: bool,
    /// How often a connection that fails is tried again.
    pub max_retries: u32,
}

impl HttpProvider {
    /// A GET request without a time limit.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: "GET".to_owned(),
            headers: Map::new(),
            arguments: Value::Null,
            timeout: Value::Null,
            verify_tls: true,
            max_retries: 0,
        }
    }
}

/// A function of Python.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PythonProvider {
    /// The module.
    pub module: String,
    /// The function.
    pub function: String,
    /// The arguments by name.
    pub arguments: Map<String, Value>,
    /// The names of the groups of secrets that the function is given. None: it is given none.
    pub secrets: Option<Vec<String>>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// Further properties.
    pub other: BTreeMap<String, Value>,
}

impl PythonProvider {
    /// A function without arguments and without a time limit.
    pub fn new(module: impl Into<String>, function: impl Into<String>) -> Self {
        Self {
            module: module.into(),
            function: function.into(),
            arguments: Map::new(),
            secrets: None,
            timeout: None,
            other: BTreeMap::new(),
        }
    }
}
