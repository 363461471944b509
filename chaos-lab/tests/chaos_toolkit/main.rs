//! Tolerances and substitutions mean what Chaos Toolkit 1.19 means, by a record of what it answered. `record.py` made
//! the record, and compares it with what Chaos Toolkit answers now.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod documents;
mod reading;
mod settings;
mod validation;

use chaos_lab::{substitution::Names, tolerance::Tolerance};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct Record {
    configuration: Map<String, Value>,
    secrets: Map<String, Value>,
    tolerances: Vec<Judged>,
    substitutions: Vec<Substituted>,
    experiments: Vec<Validated>,
}

#[derive(Deserialize)]
struct Judged {
    tolerance: Value,
    value: Value,
    /// Whether it was met, or the exception that ended Chaos Toolkit.
    met: Value,
}

#[derive(Deserialize)]
struct Substituted {
    data: Value,
    result: Value,
}

#[derive(Deserialize)]
struct Validated {
    experiment: Value,
    /// True, or the exception of Chaos Toolkit's validation.
    valid: Value,
}

impl Record {
    fn read() -> Self {
        serde_json::from_str(include_str!("record.json")).unwrap()
    }

    fn names(&self) -> Names {
        let names = Names::default();
        let names =
            self.configuration.iter().fold(names, |names, (name, value)| names.with(name, value.clone()));
        self.secrets.iter().fold(names, |names, (group, entries)| {
            let entries = entries.as_object().unwrap().iter();
            entries.fold(names, |names, (name, value)| names.with_secret(group, name, value.clone()))
        })
    }
}

#[test]
fn every_tolerance_is_judged_as_there() {
    let record = Record::read();
    let names = record.names();
    assert!(record.tolerances.len() >= 100, "{}", record.tolerances.len());
    let differences: Vec<String> = record
        .tolerances
        .iter()
        .filter_map(|Judged { tolerance, value, met }| {
            let ours = Tolerance::read(tolerance).unwrap_or_else(|wrong| panic!("{tolerance}: {wrong}"));
            let judged = ours.judge(value, &names);
            // An exception there is "not met" here.
            let theirs = met.as_bool().unwrap_or_default();
            (judged.is_ok() != theirs)
                .then(|| format!("{tolerance} of {value}: {met} there, {judged:?} here"))
        })
        .collect();
    assert!(differences.is_empty(), "{} of them:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn every_substitution_is_made_as_there() {
    let record = Record::read();
    let names = record.names();
    assert!(record.substitutions.len() >= 40, "{}", record.substitutions.len());
    for Substituted { data, result } in &record.substitutions {
        assert_eq!(names.substitute(data), *result, "{data}");
    }
}

/// What is wrong with a pattern or a path is told, and neither may hold a secret by its name.
#[test]
fn no_reason_shows_a_secret() {
    let names = Names::default().with_secret("web", "token", r"\k<hunter2>").with_secret(
        "web",
        "path",
        "$.hunter2[?(",
    );
    for (tolerance, value) in [
        (json!({ "type": "regex", "pattern": "${token}" }), json!("a")),
        (json!({ "type": "jsonpath", "path": "${path}" }), json!({})),
        (json!({ "type": "jsonpath", "path": "$.a", "expect": "${token}" }), json!({ "a": 1 })),
        (json!("${token}"), json!("a")),
        (json!("a"), json!("the token \\k<hunter2> is shown")),
    ] {
        let why = Tolerance::read(&tolerance).unwrap().judge(&value, &names).unwrap_err();
        assert!(!why.contains("hunter2"), "{tolerance}: {why}");
    }
}
