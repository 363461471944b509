use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use chaos_core::Hold;
use serde_json::Value;

use super::{
    Entry, Experiment, Hypothesis, HypothesisStrategy, ReadOptions, RollbackStrategy, ScaleUp, Settings,
    environment::Environment,
    fields::{Fields, text_of},
    findings::Findings,
    nearest::or_nearest,
    overrides::Overrides,
    read_activity::Place,
    read_own::duration,
    read_settings::Secrets,
    reader::Reader,
};
use crate::{document::Problems, substitution::Names};

const EXPERIMENT: &[&str] = &[
    "title",
    "description",
    "method",
    "steady-state-hypothesis",
    "rollbacks",
    "configuration",
    "secrets",
    "tags",
    "contributions",
    "controls",
    "extensions",
    "runtime",
    "stop-conditions",
    "scale-up",
    "deadline",
];
const ACTIVITIES: &str = "a list of activities";

impl Experiment {
    /// Reads an experiment from a file: YAML if its name ends in `.yaml` or `.yml`, otherwise JSON. Nothing is run.
    ///
    /// ```
    /// use chaos_lab::experiment::Experiment;
    ///
    /// let file = tempfile::Builder::new().suffix(".yaml").tempfile()?;
    /// std::fs::write(&file, "
    /// title: The shop answers
    /// method:
    ///   - {type: probee, name: look, provider: {type: process, path: no-such-program}}
    /// rollbacks: none
    /// ")?;
    /// let problems = Experiment::read(&file).unwrap_err();
    /// assert_eq!(
    ///     problems.to_string(),
    ///     r#"description: missing; expected a text
    /// method[0].type: "probee"; expected probe or action; did you mean "probe"?
    /// method[0].provider.path: "no-such-program"; expected a program in PATH
    /// rollbacks: "none"; expected a list of activities"#,
    /// );
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Everything that is wrong, by its path in the file: what stands there, and what would be right. No secret is
    /// shown.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Problems> {
        ReadOptions::default().read(path)
    }

    /// Reads an experiment from a document.
    ///
    /// # Errors
    /// As [`read`](Experiment::read).
    pub fn from_document(document: Value, options: &ReadOptions) -> Result<Self, Problems> {
        let keys: Vec<&str> =
            document.as_object().into_iter().flat_map(|map| map.keys()).map(String::as_str).collect();
        let mut findings = Findings::default();
        let mut environment = options.environment.clone();
        let overrides = Overrides::of(options, &mut environment, &mut findings);
        // The secrets come first, so that no later problem shows one.
        let secrets = document.get("secrets").filter(|secrets| !secrets.is_null());
        let read = Secrets::read(secrets, &overrides, &environment, options.is_compatible, &mut findings);
        let Some(secrets) = read else { return findings.unless_any(None) };
        findings.hide(names(&secrets));

        let python = interpreter(options, &environment, &mut findings);
        let mut reader = Reader::new(options, &environment, findings);
        reader.name_activities(&document);
        reader.name_controls(&document);
        let experiment = reader.experiment(&document, &overrides, &environment, secrets);
        let strategies = match &options.settings_file {
            Some(file) => reader.settings_file(file),
            None => (None, None),
        };
        let mut parts = std::mem::take(&mut reader.python);
        parts.sort_controls();
        let findings = reader.findings.in_order_of(&keys);
        let mut experiment = findings.unless_any(experiment)?;
        experiment.python = python;
        experiment.python_parts = Arc::new(parts);
        experiment.hypothesis_strategy = experiment.hypothesis_strategy.or(strategies.0);
        experiment.rollback_strategy = experiment.rollback_strategy.or(strategies.1);
        experiment.document = Arc::new(document);
        Ok(experiment)
    }
}

/// The path of the interpreter, so that another process finds the same one.
fn interpreter(options: &ReadOptions, environment: &Environment, findings: &mut Findings) -> Option<PathBuf> {
    let given = options.python.as_ref()?;
    let Some(found) = given.to_str().and_then(|program| environment.program(program)) else {
        let expected = "a program in PATH, or the path of one";
        findings.say("", &format!("the Python interpreter {}", given.display()), expected);
        return None;
    };
    // A link is kept, because a virtual environment is found by it.
    Some(std::path::absolute(&found).unwrap_or(found))
}

/// The secrets, to mask them.
fn names(secrets: &Secrets) -> Names {
    let groups = secrets.values.iter();
    groups
        .flat_map(|(group, values)| values.iter().map(move |(name, value)| (group, name, value)))
        .fold(Names::default(), |names, (group, name, value)| names.with_secret(group, name, value.clone()))
}

impl Reader<'_> {
    /// The experiment without its document.
    fn experiment(
        &mut self,
        document: &Value,
        overrides: &Overrides,
        environment: &Environment,
        secrets: Secrets,
    ) -> Option<Experiment> {
        let expected = "an experiment: a mapping with title, description and method";
        let fields = Fields::of(document, "", EXPERIMENT, expected, &mut self.findings)?;
        let title = fields.text("title", "a text", &mut self.findings);
        let description = fields.text("description", "a text", &mut self.findings);
        if !self.is_compatible {
            // What is lost silently is missed when it is needed most.
            let optional = [
                "rollbacks",
                "steady-state-hypothesis",
                "configuration",
                "secrets",
                "runtime",
                "controls",
                "stop-conditions",
                "scale-up",
                "deadline",
            ];
            fields.suspect(&optional, &mut self.findings);
        }
        if self.checks_descriptions {
            self.descriptions(&fields);
        }
        let configuration = self.configuration(fields.get("configuration"), overrides, environment);
        for (name, entry) in &configuration {
            if let Entry::Value(value) = entry {
                self.known = std::mem::take(&mut self.known).with(name, value.clone());
            }
        }
        let hypothesis = self.hypothesis(&fields);
        let method = match fields.required("method", ACTIVITIES, &mut self.findings) {
            Some(Value::Null) => {
                self.findings.wrong("method", &Value::Null, ACTIVITIES);
                Vec::new()
            }
            _ => fields.items("method", ACTIVITIES, &mut self.findings),
        };
        let method = self.activities(&method, Place::Step);
        if !self.is_compatible {
            self.references(document);
        }
        let rollbacks = fields.items("rollbacks", ACTIVITIES, &mut self.findings);
        let rollbacks = self.activities(&rollbacks, Place::Rollback);
        let stop_conditions = if self.is_compatible {
            Vec::new()
        } else {
            let expected = "a list of probes, each with a tolerance";
            let conditions = fields.items("stop-conditions", expected, &mut self.findings);
            self.activities(&conditions, Place::Hypothesis)
        };
        let expected = "a time above zero and of at most 12 hours, such as 30m";
        let deadline = if self.is_compatible {
            None
        } else {
            let limit = |value: &Value| Hold::up_to(duration(value)?).ok();
            fields.optional("deadline", expected, limit, &mut self.findings)
        };
        let scale_up = self.scale_up(&fields, &configuration);
        self.controls(&fields);
        let (hypothesis_strategy, rollback_strategy) = self.strategies(&fields);
        Some(Experiment {
            title: title?.to_owned(),
            description: description?.to_owned(),
            hypothesis,
            method,
            rollbacks,
            stop_conditions,
            scale_up,
            settings: Settings {
                configuration,
                secrets: secrets.values,
                references: secrets.references,
                secrets_from: secrets.files,
                environment: environment.added.clone(),
            },
            hypothesis_strategy,
            rollback_strategy,
            deadline,
            python: None,
            python_parts: Arc::default(),
            document: Arc::default(),
            file: None,
        })
    }

    /// The rungs.
    fn scale_up(&mut self, fields: &Fields<'_>, configuration: &[(String, Entry)]) -> Option<ScaleUp> {
        const NAME: &str = "the name of an entry of the configuration";
        const VALUES: &str = "a list of its values, the smallest first";
        if self.is_compatible {
            return None;
        }
        let expected = "a mapping with name and values";
        let own = fields.fields("scale-up", &["name", "values"], expected, &mut self.findings)?;
        let name = own.text("name", NAME, &mut self.findings);
        if let Some(name) = name
            && configuration.iter().all(|(known, _)| known != name)
        {
            let names = configuration.iter().map(|(known, _)| known.as_str());
            self.findings.wrong(own.at("name"), &name.into(), or_nearest(NAME, name, names));
        }
        let found = own.required("values", VALUES, &mut self.findings)?;
        let values = found.as_array().filter(|values| !values.is_empty());
        if values.is_none() {
            self.findings.wrong(own.at("values"), found, VALUES);
        }
        let numbers: Option<Vec<f64>> = values.into_iter().flatten().map(Value::as_f64).collect();
        if numbers.is_some_and(|numbers| !numbers.is_sorted_by(|smaller, larger| smaller < larger)) {
            self.findings.wrong(own.at("values"), found, VALUES);
        }
        Some(ScaleUp { name: name?.to_owned(), values: values?.clone() })
    }

    /// Checks what only describes the experiment.
    fn descriptions(&mut self, fields: &Fields<'_>) {
        const CONTRIBUTION: [&str; 4] = ["high", "medium", "low", "none"];
        for (path, tag) in fields.items("tags", "a list of texts", &mut self.findings) {
            if tag.as_str().is_none_or(str::is_empty) {
                self.findings.wrong(path, tag, "a text");
            }
        }
        for (path, extension) in fields.items("extensions", "a list of mappings", &mut self.findings) {
            let expected = "a mapping with a name";
            if let Some(fields) = Fields::of(extension, &path, &["name"], expected, &mut self.findings) {
                fields.text("name", "a name", &mut self.findings);
            }
        }
        if self.is_compatible {
            return;
        }
        let expected = "a mapping of names to high, medium, low or none";
        let contributions = fields.optional("contributions", expected, Value::as_object, &mut self.findings);
        for (name, level) in contributions.into_iter().flatten() {
            let text = level.as_str().unwrap_or_default();
            if !CONTRIBUTION.contains(&text) {
                let expected = or_nearest("high, medium, low or none", text, CONTRIBUTION);
                self.findings.wrong(format!("contributions.{name}"), level, expected);
            }
        }
    }

    fn hypothesis(&mut self, fields: &Fields<'_>) -> Option<Hypothesis> {
        const KNOWN: &[&str] = &["title", "probes", "controls"];
        const PROBES: &str = "a list of probes, each with a tolerance";
        let expected = "a mapping with title and probes";
        let name = "steady-state-hypothesis";
        let fields = fields.fields(name, KNOWN, expected, &mut self.findings)?;
        let title = fields.text("title", "a text", &mut self.findings);
        if !self.is_compatible {
            fields.required("probes", PROBES, &mut self.findings);
        }
        let probes = fields.items("probes", PROBES, &mut self.findings);
        let probes = self.activities(&probes, Place::Hypothesis);
        self.controls(&fields);
        Some(Hypothesis { title: title?.to_owned(), probes })
    }

    /// The strategies. A block that leaves one out means the default one.
    pub(super) fn strategies(
        &mut self,
        fields: &Fields<'_>,
    ) -> (Option<HypothesisStrategy>, Option<RollbackStrategy>) {
        let expected = "a mapping with hypothesis and rollbacks";
        let known = &["hypothesis", "rollbacks"];
        let runtime = fields.fields("runtime", known, expected, &mut self.findings);
        let Some(runtime) = runtime.filter(|runtime| !runtime.map().is_empty()) else { return (None, None) };
        let hypothesis = HypothesisStrategy::ALL.map(HypothesisStrategy::name);
        let hypothesis = self.strategy(&runtime, "hypothesis", &hypothesis, HypothesisStrategy::named);
        let rollbacks = RollbackStrategy::ALL.map(RollbackStrategy::name);
        let rollbacks = self.strategy(&runtime, "rollbacks", &rollbacks, RollbackStrategy::named);
        (Some(hypothesis), Some(rollbacks))
    }

    fn strategy<T: Default>(
        &mut self,
        runtime: &Fields<'_>,
        of: &str,
        names: &[&str],
        named: impl Fn(&str) -> Option<T>,
    ) -> T {
        let expected = "a mapping with strategy";
        let fields = runtime.fields(of, &["strategy"], expected, &mut self.findings);
        let Some((fields, name)) =
            fields.and_then(|fields| fields.get("strategy").map(|name| (fields, name)))
        else {
            return T::default();
        };
        let strategy = text_of(name).and_then(named);
        if strategy.is_none() {
            let text = name.as_str().unwrap_or_default();
            let expected = or_nearest(&format!("one of {}", names.join(", ")), text, names.iter().copied());
            self.findings.wrong(fields.at("strategy"), name, expected);
        }
        strategy.unwrap_or_default()
    }
}
