use std::collections::BTreeMap;

use serde_json::Value;

use super::{environment::Environment, findings::Findings, options::ReadOptions, python_parts::PythonParts};
use crate::{catalogues::Catalogues, substitution::Names};

/// Reads the parts of an experiment, and notes what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) findings: Findings,
    /// Where programs are looked up. None: they are not.
    pub(super) programs: Option<&'a Environment>,
    /// The activities that a `ref` may name.
    pub(super) named: BTreeMap<&'a str, &'a Value>,
    /// How much data references may still stand for.
    pub(super) references_left: usize,
    /// What providers of type `chaos` may name. None: that is not checked.
    pub(super) catalogues: Option<&'a Catalogues>,
    /// The names whose values are known before anything runs.
    pub(super) known: Names,
    pub(super) checks_descriptions: bool,
    pub(super) is_compatible: bool,
    pub(super) refuses_python: bool,
    pub(super) leaves_controls_out: bool,
    /// The controls that a `ref` may name.
    pub(super) controls_named: Vec<&'a str>,
    pub(super) python: PythonParts,
}

/// How much data the references of an experiment may stand for, in bytes: each is a copy.
pub(super) const REFERENCES: usize = 64 << 20;

impl<'a> Reader<'a> {
    /// For an experiment that is about to run here.
    pub(super) fn new(options: &'a ReadOptions, environment: &'a Environment, findings: Findings) -> Self {
        Self {
            findings,
            programs: (!options.checks_less).then_some(environment),
            catalogues: Some(&options.catalogues),
            known: Names::default(),
            checks_descriptions: !options.checks_less,
            named: BTreeMap::new(),
            references_left: REFERENCES,
            is_compatible: options.is_compatible,
            refuses_python: options.python.is_none(),
            leaves_controls_out: options.leaves_controls_out,
            controls_named: Vec::new(),
            python: PythonParts::default(),
        }
    }

    /// For what has been checked before, maybe by another process.
    pub(super) fn of_checked() -> Self {
        Self {
            findings: Findings::default(),
            programs: None,
            catalogues: None,
            known: Names::default(),
            checks_descriptions: false,
            named: BTreeMap::new(),
            references_left: REFERENCES,
            is_compatible: true,
            refuses_python: false,
            leaves_controls_out: true,
            controls_named: Vec::new(),
            python: PythonParts::default(),
        }
    }

    /// Notes the activities that a `ref` may name: those of the method, and then those of the hypothesis, of which the
    /// later one of a name counts. Rollbacks are not among them, nor is what is a `ref` itself.
    pub(super) fn name_activities(&mut self, document: &'a Value) {
        let method = document.get("method");
        let probes = document.get("steady-state-hypothesis").and_then(|hypothesis| hypothesis.get("probes"));
        let lists = [method, probes].into_iter().flatten().filter_map(Value::as_array);
        for activity in lists.flatten().filter(|activity| activity.get("ref").is_none_or(Value::is_null)) {
            if let Some(name) = activity.get("name").and_then(Value::as_str) {
                self.named.insert(name, activity);
            }
        }
    }
}
