use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{Experiment, ScaleUp, Variable, environment::Environment};
use crate::{
    catalogues::Catalogues,
    document::{Problem, Problems, read},
};

/// How an experiment is read.
///
/// ```
/// use chaos_lab::experiment::ReadOptions;
/// use serde_json::json;
///
/// let file = tempfile::Builder::new().suffix(".yaml").tempfile()?;
/// std::fs::write(&file, "
/// title: The shop answers
/// description: Without a replica, too
/// configuration: {port: 80}
/// method:
///   - {type: probe, name: shop, provider: {type: http, url: 'http://127.0.0.1:${port}/'}}
/// ")?;
/// let experiment = ReadOptions::default().variable("port:int=8080".parse()?).read(&file)?;
/// assert_eq!(experiment.method[0].name, "shop");
/// assert_eq!(experiment.settings.value("port"), Some(&json!(8080)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct ReadOptions {
    pub(super) leaves_controls_out: bool,
    pub(super) python: Option<PathBuf>,
    pub(super) settings_file: Option<PathBuf>,
    pub(super) is_compatible: bool,
    pub(super) checks_less: bool,
    pub(super) variables: Vec<Variable>,
    pub(super) variable_files: Vec<PathBuf>,
    pub(super) environment: Environment,
    pub(super) catalogues: Catalogues,
}

impl ReadOptions {
    /// Leaves controls out, which are Python modules. Otherwise a file with controls is refused, unless there is an
    /// [interpreter](ReadOptions::python) that runs them.
    #[must_use]
    pub fn without_controls(mut self) -> Self {
        self.leaves_controls_out = true;
        self
    }

    /// Takes functions of Python, which are called in this interpreter when the experiment is run: a path, or a name
    /// that is looked up in PATH. Without it, a file with functions of Python is refused. Nothing is started here.
    ///
    /// ```
    /// use chaos_lab::experiment::{Provider, ReadOptions};
    ///
    /// let file = tempfile::Builder::new().suffix(".yaml").tempfile()?;
    /// std::fs::write(&file, "
    /// title: The shop answers
    /// description: Asked by a function
    /// method:
    ///   - {type: probe, name: shop, provider: {type: python, module: shop, func: answers}}
    /// ")?;
    /// let refused = ReadOptions::default().read(&file).unwrap_err();
    /// assert!(refused.to_string().contains("--python PROGRAM"), "{refused}");
    ///
    /// let experiment = ReadOptions::default().python("python3").read(&file)?;
    /// let Provider::Python(shop) = &experiment.method[0].provider else { unreachable!() };
    /// assert_eq!((shop.module.as_str(), shop.function.as_str()), ("shop", "answers"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn python(mut self, program: impl Into<PathBuf>) -> Self {
        self.python = Some(program.into());
        self
    }

    /// Takes settings from a file of Chaos Toolkit's: its `controls`, which belong to every experiment, and the
    /// strategies of its `runtime`, for an experiment without a `runtime` of its own. Default: none.
    ///
    /// Values in it are taken as they are, as there: neither names nor variables of the environment are replaced.
    #[must_use]
    pub fn settings_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings_file = Some(path.into());
        self
    }

    /// Sets an entry of the configuration. It wins over the file and over [files of
    /// variables](ReadOptions::variable_file). An entry that the file does not declare stays out.
    #[must_use]
    pub fn variable(mut self, variable: Variable) -> Self {
        self.variables.push(variable);
        self
    }

    /// Takes variables from a file. A later file wins over an earlier one.
    ///
    /// A file whose name ends in `.json`, `.yaml` or `.yml` has `configuration` and `secrets`, both as in an
    /// experiment. A group of secrets takes the place of a whole group.
    ///
    /// Any other file has lines such as `KEY=VALUE`: variables for the environment of the experiment and of its
    /// processes.
    #[must_use]
    pub fn variable_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.variable_files.push(path.into());
        self
    }

    /// Takes what Chaos Toolkit takes, where more is checked here: a hypothesis without probes or with an action among
    /// them, a tolerance in the method, contributions, the scheme of a URL, and a `type` in the settings that is nearly
    /// `env`. As there, the path of a program holds no names.
    ///
    /// What would end a run there with an exception is refused all the same.
    #[must_use]
    pub fn compatible(mut self) -> Self {
        self.is_compatible = true;
        self
    }

    /// Leaves out what a run can do without: whether programs are here, and what only describes the experiment. What
    /// cannot be understood is refused all the same, and so is a `ref` to nothing.
    #[must_use]
    pub fn without_validation(mut self) -> Self {
        self.checks_less = true;
        self
    }

    /// Sets the events, providers and probes that a provider of type `chaos` may name. Default: none.
    #[must_use]
    pub fn catalogues(mut self, catalogues: Catalogues) -> Self {
        self.catalogues = catalogues;
        self
    }

    /// Reads these variables instead of the environment of this process. Programs are looked up in their `PATH`.
    #[must_use]
    pub fn environment(
        mut self,
        variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.environment.instead = Some(variables.collect::<BTreeMap<_, _>>());
        self
    }

    /// Reads an experiment from a file: YAML if its name ends in `.yaml` or `.yml`, otherwise JSON.
    ///
    /// # Errors
    /// Everything that is wrong with the file or with the variables. No secret is shown.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Experiment, Problems> {
        let path = path.as_ref();
        let document = read(path).map_err(|problem: Problem| Problems::of(vec![problem]))?;
        let read = Experiment::from_document(document, self);
        let mut experiment = read.map_err(|problems| problems.in_file(path))?;
        experiment.file = Some(path.to_owned());
        Ok(experiment)
    }

    /// Reads the rungs of an experiment that is scaled up, each with its value.
    ///
    /// # Errors
    /// As [`read`](ReadOptions::read), for each rung.
    pub fn rungs(
        &self,
        path: impl AsRef<Path>,
        scale_up: &ScaleUp,
    ) -> Result<Vec<(Value, Experiment)>, Problems> {
        let rung = |value: &Value| {
            let options = self.clone().variable(Variable::new(scale_up.name.clone(), value.clone()));
            Ok((value.clone(), options.read(path.as_ref())?))
        };
        scale_up.values.iter().map(rung).collect()
    }
}

impl fmt::Debug for ReadOptions {
    /// Shows no value of the environment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadOptions")
            .field("python", &self.python)
            .field("settings_file", &self.settings_file)
            .field("leaves_controls_out", &self.leaves_controls_out)
            .field("is_compatible", &self.is_compatible)
            .field("checks_less", &self.checks_less)
            .field("variables", &self.variables)
            .field("variable_files", &self.variable_files)
            .finish_non_exhaustive()
    }
}
