use std::path::Path;

use serde_json::{Map, Value};

use super::{
    activity::{self, Activity},
    configuration::Entry,
    fields::Fields,
    hypothesis::Hypothesis,
    strategy::{HypothesisStrategy, RollbackStrategy},
};
use crate::document::{self, Problem, Problems};

/// An experiment: what should hold, what is done to the system, and what is rolled back afterwards.
///
/// It is checked as a whole before anything runs, and every problem is told.
///
/// ```
/// use chaos_lab::experiment::Experiment;
/// use serde_json::json;
///
/// let experiment = Experiment::from_data(&json!({
///     "title": "Files survive",
///     "description": "n/a",
///     "steady-state-hypothesis": {
///         "title": "The file is there",
///         "probes": [{
///             "type": "probe", "name": "file", "tolerance": 0,
///             "provider": { "type": "process", "path": "test", "arguments": ["-e", "/etc/hosts"] },
///         }],
///     },
///     "method": [],
/// }))?;
/// assert_eq!(experiment.title(), "Files survive");
///
/// let problems = Experiment::from_data(&json!({ "title": "", "method": [{ "ref": "nothing" }] })).unwrap_err();
/// assert_eq!(problems.iter().count(), 3);
/// # Ok::<(), chaos_lab::document::Problems>(())
/// ```
#[derive(Clone, Debug)]
pub struct Experiment {
    pub(crate) title: String,
    pub(crate) hypothesis: Option<Hypothesis>,
    pub(crate) method: Vec<Activity>,
    pub(crate) rollbacks: Vec<Activity>,
    pub(crate) configuration: Vec<Entry>,
    pub(crate) secrets: Vec<(String, Vec<Entry>)>,
    pub(crate) hypothesis_strategy: HypothesisStrategy,
    pub(crate) rollback_strategy: RollbackStrategy,
    /// As it is written, for the journal: unknown properties are kept.
    pub(crate) written: Value,
}

impl Experiment {
    /// Reads an experiment from a file: YAML if its name ends in `.yaml` or `.yml`, otherwise JSON.
    ///
    /// # Errors
    /// Every problem of the file and of the experiment in it. Nothing was run.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Problems> {
        Self::from_data(&document::read(path.as_ref())?)
    }

    /// Reads an experiment from data.
    ///
    /// # Errors
    /// Every problem of the experiment. Nothing was run.
    pub fn from_data(data: &Value) -> Result<Self, Problems> {
        let Some(map) = data.as_object() else {
            return Err(
                Problem::at("", data, "an experiment: an object with title, description and method").into()
            );
        };
        let fields = Fields { map, path: "" };
        let mut problems = Vec::new();
        let title = fields.text("title", "a text", &mut problems).unwrap_or_default().to_owned();
        fields.text("description", "a text", &mut problems);
        if fields.get("method").is_none() {
            problems.push(Problem::missing("method", "a list of activities"));
        }
        let known = named(fields);
        let hypothesis = fields
            .object("steady-state-hypothesis", "an object with a title and probes", &mut problems)
            .and_then(|hypothesis| Hypothesis::read(hypothesis, &known, &mut problems));
        let mut activities = |field: &str| {
            let items = fields.list(field, "a list of activities", &mut problems);
            activity::read_all(items, field, &known, &mut problems)
        };
        let (method, rollbacks) = (activities("method"), activities("rollbacks"));
        let entries = "an object of names and values";
        let configuration = fields.object("configuration", entries, &mut problems);
        let configuration =
            configuration.map(|map| Entry::configuration(map, &mut problems)).unwrap_or_default();
        let secrets = match fields.get("secrets") {
            None => Vec::new(),
            Some(Value::Object(map)) => Entry::secrets(map, &mut problems),
            Some(_) => {
                problems.push(Problem::new("secrets", "a value that is not shown", "an object of groups"));
                Vec::new()
            }
        };
        let (hypothesis_strategy, rollback_strategy) = strategies(fields, &mut problems);
        let experiment = Self {
            title,
            hypothesis,
            method,
            rollbacks,
            configuration,
            secrets,
            hypothesis_strategy,
            rollback_strategy,
            written: data.clone(),
        };
        Problems::or(problems, experiment)
    }

    /// The title, in which names are not resolved yet.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The hypothesis, if there is one.
    pub fn hypothesis(&self) -> Option<&str> {
        self.hypothesis.as_ref().map(|hypothesis| hypothesis.title.as_str())
    }
}

/// The activities that `ref` may name: those of the method, and the probes of the hypothesis, which win.
fn named(fields: Fields<'_>) -> Map<String, Value> {
    let method = fields.get("method");
    let probes = fields.get("steady-state-hypothesis").and_then(|hypothesis| hypothesis.get("probes"));
    let items = [method, probes].into_iter().flatten().filter_map(Value::as_array).flatten();
    items
        .filter(|activity| activity.get("ref").is_none())
        .filter_map(|activity| Some((activity.get("name")?.as_str()?.to_owned(), activity.clone())))
        .collect()
}

fn strategies(fields: Fields<'_>, problems: &mut Vec<Problem>) -> (HypothesisStrategy, RollbackStrategy) {
    let runtime = fields.object("runtime", "an object with hypothesis and rollbacks", problems);
    let mut named = |field: &str, names: String| -> Option<String> {
        let map = runtime?.get(field)?.as_object()?;
        let path = format!("runtime.{field}");
        let fields = Fields { map, path: &path };
        fields.optional_text("strategy", &format!("one of: {names}"), problems).map(str::to_owned)
    };
    let hypothesis = named("hypothesis", HypothesisStrategy::names());
    let rollbacks = named("rollbacks", RollbackStrategy::names());
    let mut unknown = |field: &str, name: &str, names: String| {
        let path = format!("runtime.{field}.strategy");
        problems.push(Problem::new(path, name, format!("one of: {names}")));
    };
    let read_hypothesis = hypothesis.as_deref().map(|name| {
        HypothesisStrategy::by_name(name).unwrap_or_else(|| {
            unknown("hypothesis", name, HypothesisStrategy::names());
            HypothesisStrategy::default()
        })
    });
    let read_rollbacks = rollbacks.as_deref().map(|name| {
        RollbackStrategy::by_name(name).unwrap_or_else(|| {
            unknown("rollbacks", name, RollbackStrategy::names());
            RollbackStrategy::default()
        })
    });
    (read_hypothesis.unwrap_or_default(), read_rollbacks.unwrap_or_default())
}
