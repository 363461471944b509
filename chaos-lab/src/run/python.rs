use std::{
    env,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::runner::Runner;

/// Where Python looks for modules, beside what is installed.
const MODULES: &str = "PYTHONPATH";

/// What another process needs to call the same functions of Python as this one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Python {
    program: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modules: Option<String>,
}

impl Python {
    /// `added` are variables beside those of this process.
    pub(crate) fn of(program: &Path, added: &[(String, String)]) -> Self {
        let added = added.iter().rev().find(|(name, _)| name == MODULES).map(|(_, value)| value.clone());
        Self { program: program.to_owned(), modules: added.or_else(|| env::var(MODULES).ok()) }
    }

    /// The runner, with this interpreter.
    pub(crate) fn given_to(&self, runner: Runner) -> Runner {
        let runner = match &self.modules {
            Some(modules) => runner.with_variables([(MODULES, modules)]),
            None => runner,
        };
        runner.with_python(&self.program)
    }
}
