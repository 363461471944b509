//! The functions that are carried out here, by their names.

use std::sync::LazyLock;

use super::{aws_table, azure_table, function::Function};
use crate::experiment::{PythonProvider, nearest};

static ALL: LazyLock<Vec<&'static Function>> =
    LazyLock::new(|| aws_table::FUNCTIONS.iter().chain(azure_table::FUNCTIONS).collect());

impl Function {
    /// The function that a provider of type `python` names, if it is carried out here.
    pub(crate) fn of(python: &PythonProvider) -> Option<&'static Self> {
        Self::named(&python.module, &python.function)
    }

    /// The function of this name in this module, if it is carried out here.
    pub(crate) fn named(module: &str, name: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|known| known.module == module && known.name == name)
    }

    /// The function that is carried out here without Python, because its cloud is compiled in.
    pub(crate) fn here(python: &PythonProvider) -> Option<&'static Self> {
        Self::of(python).filter(|function| function.cloud().is_here())
    }

    /// Why one of an extension that is known here is not carried out. None for other modules.
    pub(crate) fn refusal(python: &PythonProvider) -> Option<String> {
        let extension = python.module.split('.').next().unwrap_or_default();
        let of_extension: Vec<String> = ALL
            .iter()
            .filter(|known| known.module.split('.').next() == Some(extension))
            .map(|known| known.full_name())
            .collect();
        if of_extension.is_empty() {
            return None;
        }
        let asked = format!("{}.{}", python.module, python.function);
        let expected = format!("a function of {extension} that is carried out here, or --python PROGRAM");
        Some(nearest::or_nearest(&expected, &asked, of_extension.iter().map(String::as_str)))
    }
}
