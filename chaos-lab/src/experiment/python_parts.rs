use serde_json::Value;

use super::PythonProvider;

/// What of an experiment is carried out in Python.
#[derive(Clone, Default)]
pub(crate) struct PythonParts {
    /// The functions, each where it is called.
    pub(crate) calls: Vec<PythonCall>,
    /// The controls of the experiment and of its parts, and those of the settings file.
    pub(crate) controls: Vec<DeclaredControl>,
    /// The controls of the settings file alone, each with its name.
    pub(crate) everywhere: Vec<Value>,
    /// The whole settings file. Null if there is none.
    pub(crate) settings: Value,
}

/// A function that is called.
#[derive(Clone)]
pub(crate) struct PythonCall {
    /// The path of its provider in the document.
    pub(crate) path: String,
    pub(crate) provider: PythonProvider,
}

/// A control where it is declared.
#[derive(Clone)]
pub(crate) struct DeclaredControl {
    pub(crate) path: String,
    /// The declaration.
    pub(crate) data: Value,
    /// Whether it is one of the settings file, of which only the module is checked.
    pub(crate) is_of_settings: bool,
}

impl PythonParts {
    /// Sorts the controls from the whole to the parts, as Chaos Toolkit has them: those of the experiment, those of the
    /// hypothesis, and those of the activities.
    pub(crate) fn sort_controls(&mut self) {
        self.controls.sort_by_key(|control| {
            if control.path.starts_with("controls[") {
                0
            } else if control.path.starts_with("steady-state-hypothesis.controls") {
                1
            } else {
                2
            }
        });
    }

    /// Whether nothing is carried out in Python.
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.controls.is_empty()
    }
}
