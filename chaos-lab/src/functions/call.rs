use std::{sync::Arc, time::Duration};

#[cfg(not(all(feature = "aws", feature = "azure")))]
use chaos_core::Error;
use chaos_core::{Result, clock::Clock};
use serde_json::{Map, Value};

use super::function::{Cloud, Function};
use crate::{experiment::PythonProvider, substitution::Names};

/// A function with its arguments, and with the settings that it takes.
pub(crate) struct Call {
    pub(crate) function: &'static Function,
    pub(crate) arguments: Map<String, Value>,
    pub(super) configuration: Map<String, Value>,
    /// The entries of the groups of secrets that the provider names.
    pub(super) secrets: Map<String, Value>,
    pub(super) clock: Arc<dyn Clock>,
    /// The run that starts experiments of an engine.
    pub(super) run: Option<String>,
    /// How many experiments to look for, and how long.
    pub(super) starts: usize,
    pub(super) patience: Duration,
}

impl Call {
    /// # Errors
    /// What is wrong with the arguments, in a sentence.
    pub(crate) fn of(
        function: &'static Function,
        python: &PythonProvider,
        names: &Names,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let arguments = function.arguments(python, names)?;
        let groups = python.secrets.iter().flatten().filter_map(|group| names.secrets_of(group));
        let secrets = groups.flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
        let configuration = names.configuration().clone();
        let (clock, patience) = (Arc::clone(clock), Duration::ZERO);
        Ok(Self { function, arguments, configuration, secrets, clock, run: None, starts: 0, patience })
    }

    /// Sets the run that starts experiments of an engine.
    pub(crate) fn of_run(mut self, run: &str) -> Self {
        self.run = Some(run.to_owned());
        self
    }

    /// Sets how many experiments may have been started, and how long to look for them. Default: one look.
    pub(crate) fn looking_for(mut self, starts: usize, patience: Duration) -> Self {
        (self.starts, self.patience) = (starts, patience);
        self
    }

    /// The program was built without the cloud.
    #[cfg(not(all(feature = "aws", feature = "azure")))]
    pub(super) fn lacks_feature(&self) -> Error {
        let what = "this program was built without the feature for that cloud";
        Error::unsupported(what)
            .with("function", self.function.full_name())
            .with("feature", self.function.cloud().feature())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.arguments.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let items = self.arguments.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The pairs of a list of mappings.
    pub(super) fn pairs(&self, name: &str, key: &str, value: &str) -> Vec<(String, String)> {
        let items = self.arguments.get(name).and_then(Value::as_array).into_iter().flatten();
        let pair = |item: &Value| Some((item[key].as_str()?.to_owned(), item[value].as_str()?.to_owned()));
        items.filter_map(pair).collect()
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.arguments.get(name).and_then(Value::as_u64)
    }

    /// A setting of the experiment, of its secrets, or of the environment.
    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        let found = self.configuration.get(name).or_else(|| self.secrets.get(name));
        found.and_then(Value::as_str).filter(|text| !text.is_empty())
    }
}

impl Cloud {
    /// The feature that this crate needs for it.
    pub(crate) fn feature(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Azure => "azure",
        }
    }

    /// Whether this program was built with it.
    pub(crate) fn is_here(self) -> bool {
        match self {
            Self::Aws => cfg!(feature = "aws"),
            Self::Azure => cfg!(feature = "azure"),
        }
    }
}
