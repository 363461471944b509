//! Configuration and secrets: from the file, from the environment, from files of variables, and from options.

use std::{fs, path::PathBuf};

use chaos_lab::experiment::{Entry, Experiment, ReadOptions, Settings, Variable};
use serde_json::{Value, json};

fn options() -> ReadOptions {
    ReadOptions::default().environment([
        ("PATH", "/bin:/usr/bin"),
        ("PORT", "8080"),
        ("TOKEN", "hunter2-from-env"),
    ])
}

fn document(configuration: Value, secrets: Value) -> Value {
    json!({ "title": "t", "description": "d", "method": [], "configuration": configuration, "secrets": secrets })
}

fn read(document: Value, options: &ReadOptions) -> Settings {
    Experiment::from_document(document, options).unwrap().settings
}

fn problems(document: Value, options: &ReadOptions) -> String {
    Experiment::from_document(document, options).unwrap_err().to_string()
}

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn entries_come_from_the_file_and_the_environment() {
    let experiment = Experiment::from_document(
        document(
            json!({
                "inline": { "a": [1] },
                "of another type": { "type": "thing", "key": "PORT" },
                "text": { "type": "env", "key": "PORT" },
                "whole": { "type": "env", "key": "PORT", "env_var_type": "int" },
                "by default": { "type": "env", "key": "NONE", "default": "0.5", "env_var_type": "float" },
                "null by default": { "type": "env", "key": "NONE", "default": null },
                "probed": { "type": "probe", "provider": { "type": "process", "path": "true" } },
            }),
            json!({
                "web": { "token": { "type": "env", "key": "TOKEN" }, "inline": "s3cret", "deep": { "pin": 1234,
                    "token": { "type": "env", "key": "TOKEN" } } },
            }),
        ),
        &options(),
    )
    .unwrap();
    let settings = experiment.settings.clone();
    let known: Vec<(&str, Option<&Value>)> =
        settings.configuration.iter().map(|(name, _)| (name.as_str(), settings.value(name))).collect();
    assert_eq!(
        known,
        [
            ("inline", Some(&json!({ "a": [1] }))),
            ("of another type", Some(&json!({ "type": "thing", "key": "PORT" }))),
            ("text", Some(&json!("8080"))),
            ("whole", Some(&json!(8080))),
            ("by default", Some(&json!(0.5))),
            ("null by default", Some(&json!(null))),
            ("probed", None),
        ]
    );
    let Entry::Probe(probe) = &settings.configuration[6].1 else { panic!("{settings:?}") };
    assert_eq!(probe.name, "probed");

    let [(group, values)] = &settings.secrets[..] else { panic!("{settings:?}") };
    assert_eq!(group, "web");
    assert_eq!(
        json!(values),
        json!({ "token": "hunter2-from-env", "inline": "s3cret", "deep": { "pin": 1234, "token": "hunter2-from-env" } })
    );
    let from = json!({ "type": "env", "key": "TOKEN" });
    assert_eq!(
        json!(settings.references),
        json!({ "web": { "token": from, "inline": null, "deep": { "pin": null, "token": from } } })
    );
    let shown = format!("{settings:?} {experiment:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("s3cret"), "{shown}");
}

#[test]
fn options_win_over_files_of_variables_and_those_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let early = file(
        &folder,
        "early.json",
        r#"{"configuration": {"b": "early", "c": "early", "d": "early", "x": 1}}"#,
    );
    let late = file(
        &folder,
        "late.yaml",
        "configuration:\n  c: late\n  d: late\n  e: {type: env, key: ADDED, env_var_type: bool}\nsecrets:\n  \
            web: {token: {type: env, key: SECRET}}\n",
    );
    let lines =
        file(&folder, "vars.env", "# a comment\n\nADDED=yes\nADDED=no\n SECRET=from=lines \nPORT=9\n");
    let options = options()
        .variable_file(early)
        .variable_file(late)
        .variable_file(lines)
        .variable("d:json=[1]".parse().unwrap())
        .variable(Variable::new("undeclared", 1));
    let settings = read(
        document(
            json!({ "a": "own", "b": "own", "c": "own", "d": "own", "e": "own", "f": { "type": "env",
                "key": "PORT" } }),
            json!({ "web": { "token": "inline", "gone": 1 }, "other": { "k": "v" } }),
        ),
        &options,
    );
    let known: Vec<(&str, &Value)> = settings
        .configuration
        .iter()
        .map(|(name, _)| (name.as_str(), settings.value(name).unwrap()))
        .collect();
    assert_eq!(
        known,
        [
            ("a", &json!("own")),
            ("b", &json!("early")),
            ("c", &json!("late")),
            ("d", &json!([1])),
            ("e", &json!(false)),
            ("f", &json!("9")),
        ]
    );
    assert_eq!(json!(settings.secrets), json!([["web", { "token": "from=lines" }], ["other", { "k": "v" }]]));
    assert_eq!(
        json!(settings.environment),
        json!([["ADDED", "yes"], ["ADDED", "no"], ["SECRET", "from=lines"], ["PORT", "9"]])
    );
    assert!(!format!("{settings:?} {options:?}").contains("from=lines"));

    // A variable makes up for one that is not set.
    let unset = document(json!({ "a": { "type": "env", "key": "NONE" } }), json!({}));
    let settings = read(unset, &self::options().variable(Variable::new("a", 1)));
    assert_eq!(settings.value("a"), Some(&json!(1)));
}

#[test]
fn each_entry_is_checked() {
    for (entry, expected) in [
        (json!({ "type": "env" }), "key: missing; expected the name of a variable of the environment"),
        (json!({ "type": "env", "key": 7 }), "key: 7; expected the name of a variable of the environment"),
        (
            json!({ "type": "env", "key": "NONE" }),
            "key: NONE is not set; expected a variable of the environment, or a default",
        ),
        (
            json!({ "type": "env", "key": "PORT", "env_var_type": "itn" }),
            "env_var_type: \"itn\"; expected str, int, float, number, bytes, bool or json; did you mean \"int\"?",
        ),
        (
            json!({ "type": "env", "key": "TEXT", "env_var_type": "int" }),
            "key: TEXT is \"abc\"; expected a whole number",
        ),
        (
            json!({ "type": "env", "key": "NONE", "default": [1], "env_var_type": "number" }),
            "default: [1]; expected a number",
        ),
        (
            json!({ "type": "Env", "key": "PORT" }),
            "type: \"Env\"; expected env or probe; did you mean \"env\"?",
        ),
        (
            json!({ "type": "ENV", "key": "PORT" }),
            "type: \"ENV\"; expected env or probe; did you mean \"env\"?",
        ),
        (json!({ "type": "probe" }), "provider: missing; expected a mapping with a type"),
    ] {
        let options = ReadOptions::default().environment([("PORT", "80"), ("TEXT", "abc")]);
        let problems = problems(document(json!({ "c": entry }), json!(null)), &options);
        assert_eq!(problems, format!("configuration.c.{expected}"));
    }
    assert_eq!(
        problems(document(json!([]), json!(7)), &options()),
        "configuration: []; expected a mapping of names to values\nsecrets: a number; expected a mapping of groups to \
            their secrets"
    );
}

#[test]
fn files_of_variables_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, expected) in [
        ("a.json", "[\"hunter2\"]", "a.json: a list; expected a mapping with configuration and secrets"),
        (
            "b.json",
            "{\"config\": {}}",
            "b.json: has neither; expected a mapping with configuration and secrets",
        ),
        ("c.json", "{\"secrets\": \"hunter2\"}", "c.json: secrets: a text; expected a mapping"),
        ("d.env", "A=1\nhunter2\n", "d.env: line 2: no variable; expected KEY=VALUE"),
        (
            "e.yaml",
            "configuration: {c: {type: env, key: NONE}}",
            "e.yaml: configuration.c.key: NONE is not set; expected a variable of the environment, or a default",
        ),
        (
            "f.yaml",
            "secrets: {s: hunter2}",
            "f.yaml: secrets.s: a text; expected a group: a mapping of names to secrets",
        ),
        ("g.yaml", "a: [", "g.yaml: "),
    ] {
        let path = file(&folder, name, text);
        let told =
            problems(document(json!({ "c": 1 }), json!({ "s": { "k": 1 } })), &options().variable_file(path));
        let told = told.replace(&format!("{}/", folder.path().display()), "");
        assert!(told.starts_with(expected), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    let told = problems(document(json!({}), json!({})), &options().variable_file("/nowhere/vars.json"));
    assert!(told.starts_with("/nowhere/vars.json: "), "{told}");
}

#[test]
fn a_variable_is_a_name_with_a_type_and_a_value() {
    for (text, name, value) in [
        ("a=b", "a", json!("b")),
        ("a=", "a", json!("")),
        ("a:int=1=", "a", json!(null)),
        ("a:b:int=1", "a:b", json!(1)),
        ("a:bool=0", "a", json!(false)),
        ("a:json={\"k\": 1}", "a", json!({ "k": 1 })),
    ] {
        match text.parse::<Variable>() {
            Ok(variable) => assert_eq!(variable, Variable::new(name, value)),
            Err(error) => assert_eq!(
                (error.to_string().as_str(), value),
                ("invalid variable a: \"1=\"; expected a whole number", json!(null))
            ),
        }
    }
    for (text, expected) in [
        ("a", "invalid variable: \"a\"; expected name=value or name:type=value"),
        ("=a", "invalid variable: \"=a\"; expected name=value or name:type=value"),
        (":int=1", "invalid variable: \":int=1\"; expected name=value or name:type=value"),
        (
            "a:flot=1",
            "invalid type of the variable a: \"flot\"; expected str, int, float, number, bytes, bool or json; did you \
                mean \"float\"?",
        ),
    ] {
        assert_eq!(text.parse::<Variable>().unwrap_err().to_string(), expected);
    }
}

/// Each secret stands in every place of a file that can be wrong.
#[test]
fn no_problem_shows_a_secret() {
    let secret = "hunter2-from-env";
    let wrong = json!({ "k": [format!("a {secret}")] });
    let regex = json!({ "type": "regex", "pattern": format!("({secret}") });
    let long = format!("{}{secret}", "x".repeat(70));
    let document = json!({
        "title": wrong, "description": wrong, "tags": [wrong], "contributions": { secret: secret },
            "extensions": [secret],
        "configuration": {
            "a": { "type": "env", "key": "TOKEN", "env_var_type": "int" },
            "b": { "type": "env", "key": "NONE", "default": secret, "env_var_type": "int" },
            "c": { "type": "env", "key": secret },
        },
        "secrets": { "web": { "token": { "type": "env", "key": "TOKEN" }, "inline": "s3cret-inline" },
            "wrong": "hunter2-wrong" },
        "steady-state-hypothesis": { "title": wrong, "probes": [
            { "type": secret, "name": wrong, "tolerance": regex, "provider": { "type": "process", "path": secret } },
            { "type": "probe", "name": "a", "tolerance": wrong, "provider": { "type": "http", "url": secret,
                "method": wrong, "headers": wrong } },
            { "type": "probe", "name": "b", "tolerance": { "type": secret }, "provider": { "type": "process",
                "path": "true" } },
        ] },
        "method": [{ "ref": secret }, { "ref": long }, secret, "s3cret-inline", { "type": "action", "name": "b",
            "controls": [{ "name": secret }],
            "background": secret, "pauses": secret, "provider": { "type": "python", "module": secret,
                "func": secret } }],
        "rollbacks": wrong, "runtime": { "rollbacks": { "strategy": secret } },
    });
    let told = problems(document, &options());
    assert!(told.lines().count() > 25, "{told}");
    for part in ["hunter2", "s3cret"] {
        assert!(!told.contains(part), "{told}");
    }
}
