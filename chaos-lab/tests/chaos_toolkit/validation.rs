//! What is valid in Chaos Toolkit is valid here, apart from what would end or mislead a run there.

use std::{collections::BTreeMap, env, fs};

use chaos_lab::{
    document::Problems,
    experiment::{Experiment, ReadOptions},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Record;

const REFERENCE: &str = "the name of an activity of the method, or of a probe of the hypothesis";

/// Refused here, as compatible as it may be.
fn refused_here() -> Vec<String> {
    let refused = [
        // Theirs takes whatever Python takes for true, and letters for tags.
        r#"title: 7; expected a text"#,
        r#"tags: "ab"; expected a list of texts"#,
        r#"method[0].name: 7; expected a name"#,
        // Never met.
        r#"steady-state-hypothesis.probes[0].tolerance: []; expected a list with at least one value"#,
        r#"steady-state-hypothesis.probes[0].tolerance.range: [2,1]; expected the lesser number before the greater"#,
        // Exceptions in the run, some of which end the process without a journal.
        &format!(r#"steady-state-hypothesis.probes[0].ref: "x"; expected {REFERENCE}"#),
        &format!(r#"method[1].ref: "b"; expected {REFERENCE}; did you mean "a"?"#),
        &format!(r#"rollbacks[0].ref: "x"; expected {REFERENCE}"#),
        r#"method[0].pauses.after: -1; expected a number of seconds from 0 on, or a text such as ${name}"#,
        r#"method[0].pauses.after: [1]; expected a number of seconds from 0 on, or a text such as ${name}"#,
        r#"method[0].provider.arguments: 5; expected a list, a mapping or a text"#,
        r#"method[0].provider.timeout: "5"; expected a number of seconds greater than 0"#,
        r#"method[0].provider.timeout: 0; expected a number of seconds greater than 0"#,
        r#"method[0].provider.method: 7; expected a method such as GET"#,
        r#"method[0].provider.headers.a: ["b"]; expected a text"#,
        "method[0].provider.timeout: \"5\"; expected a number of seconds greater than 0, a list of two of them, \
            or a text such as ${name}",
        "method[0].provider.timeout: [1]; expected a number of seconds greater than 0, a list of two of them, \
            or a text such as ${name}",
        "method[0].provider.timeout: 0; expected a number of seconds greater than 0, a list of two of them, or \
            a text such as ${name}",
        r#"method[0].provider.max_retries: "3"; expected a whole number"#,
        "method[0].provider.arguments: 5; expected a mapping, a list or a text, if the header Content-Type is \
            not application/json",
        r#"configuration.c.provider: missing; expected a mapping with a type"#,
        "runtime.hypothesis.strategy: \"sometimes\"; expected one of default, before-method-only, \
            after-method-only, during-method-only, continuously, skip",
        // Silently as if it were the default one.
        r#"runtime.rollbacks.strategy: "x"; expected one of default, always, never, deviated"#,
        // Means nothing there.
        r#"method[0].provider.headers: []; expected a mapping of names to texts"#,
        // The path of a certificate there.
        r#"method[0].provider.verify_tls: "no"; expected true or false"#,
        // Python.
        "method[0].provider.func: platform.node; expected process or http, or an interpreter that calls it: \
            --python PROGRAM",
        "method[0].controls[0]: \"c\"; expected --python PROGRAM, an interpreter that runs this Python module, or \
            --without-controls",
    ];
    let mut refused = refused.map(str::to_owned).to_vec();
    refused.sort();
    refused
}

#[test]
fn what_is_valid_there_is_valid_here() {
    let mut refused_only_here = Vec::new();
    let mut taken_only_here = Vec::new();
    let experiments = Record::read().experiments;
    assert!(experiments.len() >= 150, "{}", experiments.len());
    for validated in experiments {
        let read = |options: ReadOptions| Experiment::from_document(validated.experiment.clone(), &options);
        let compatible = read(ReadOptions::default().compatible());
        match (&compatible, validated.valid == Value::Bool(true)) {
            (Err(problems), true) => refused_only_here.push(problems.to_string()),
            (Ok(_), false) => taken_only_here.push(validated.experiment.clone()),
            _ => {}
        }
        // Otherwise more is checked, but that the path of a program may hold names.
        if let Err(problems) = &compatible
            && read(ReadOptions::default()).is_ok()
        {
            let expected = r#"method[0].provider.path: "${program}"; expected a program in PATH"#;
            assert_eq!(problems.to_string(), expected);
        }
    }
    refused_only_here.sort();
    assert_eq!(refused_only_here, refused_here());
    // Both end with an exception there.
    assert_eq!(
        taken_only_here,
        [
            json!({ "title": "t", "description": "d", "method": [], "steady-state-hypothesis": null }),
            json!({ "title": "t", "description": "d", "method": [], "rollbacks": null }),
        ]
    );
}

#[derive(Deserialize)]
struct Runs {
    cases: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    name: String,
    arguments: Vec<String>,
    files: BTreeMap<String, String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    experiment: Value,
    result: Outcome,
}

#[derive(Deserialize)]
struct Outcome {
    journal: bool,
}

impl Run {
    fn read(&self) -> Result<Experiment, Problems> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in &self.files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let path = env::var("PATH").unwrap();
        let variables = self.environment.clone().into_iter().chain([("PATH".to_owned(), path)]);
        let options = ReadOptions::default().compatible().environment(variables).python("python3");
        let options = self.arguments.windows(2).fold(options, |options, pair| match pair[0].as_str() {
            "--var" => options.variable(pair[1].parse().unwrap()),
            "--var-file" => options.variable_file(folder.path().join(&pair[1])),
            _ => options,
        });
        let is_unchecked = self.arguments.iter().any(|argument| argument == "--no-validation");
        let options = if is_unchecked { options.without_validation() } else { options };
        Experiment::from_document(self.experiment.clone(), &options)
    }
}

/// What ran there is read here, and what was invalid is refused.
#[test]
fn what_ran_there_is_read_here() {
    let Runs { cases } = serde_json::from_str(include_str!("runs.json")).unwrap();
    let mut refused = Vec::new();
    for case in &cases {
        let read = case.read();
        if case.result.journal && read.is_err() {
            refused.push(case.name.as_str());
        }
        let is_invalid = case.name.starts_with("invalid/") && !case.result.journal;
        assert!(!is_invalid || read.is_err(), "{}", case.name);
    }
    assert_eq!(
        refused,
        [
            // Nothing stands for them, so there is nothing to run.
            "ref/missing in the method, not validated",
            "ref/to a rollback, not validated",
            // Nothing is rolled back there.
            "invalid/unknown rollback strategy in the file",
        ]
    );
}
