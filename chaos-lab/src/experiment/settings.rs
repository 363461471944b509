use std::{path::PathBuf, sync::Arc};

use serde_json::{Map, Value};

use super::Activity;

/// The configuration and the secrets of an experiment, after what the environment and the options say.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Settings {
    /// The configuration, in the order of the document.
    pub configuration: Vec<(String, Entry)>,
    /// The values of the secrets, by group and name.
    pub secrets: Vec<(String, Map<String, Value>)>,
    /// Where each group of secrets comes from, without any value: as it stands in the document, with `null` in place
    /// of what is inline there.
    pub references: Map<String, Value>,
    /// The file of variables that a group of secrets comes from, if it is not the experiment's own.
    pub secrets_from: Vec<(String, PathBuf)>,
    /// Variables of the environment that files of variables add, for processes as well.
    pub environment: Vec<(String, String)>,
}

/// An entry of the configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Entry {
    /// A value that is known before anything runs.
    Value(Value),
    /// The output of a probe that runs before the experiment.
    Probe(Arc<Activity>),
}

impl std::fmt::Debug for Settings {
    /// Shows no value of a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("configuration", &self.configuration)
            .field("references", &self.references)
            .finish_non_exhaustive()
    }
}
