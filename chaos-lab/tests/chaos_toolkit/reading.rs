//! An experiment is checked completely before anything runs, and everything that is wrong with it is told at once.

use std::fs;

use chaos_lab::{
    document::Problems,
    experiment::{
        Activity, ActivityKind, ActivityTolerance, Experiment, HypothesisStrategy, Provider, ReadOptions,
        RollbackStrategy,
    },
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn options() -> ReadOptions {
    ReadOptions::default().environment([("PATH", "/nowhere:/bin:/usr/bin")])
}

fn read(document: Value) -> Result<Experiment, Problems> {
    Experiment::from_document(document, &options())
}

/// The problems, a line for each.
fn problems(document: Value) -> Vec<String> {
    told(read(document))
}

fn told(read: Result<Experiment, Problems>) -> Vec<String> {
    read.err()
        .into_iter()
        .flat_map(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())
        .collect()
}

/// A sound experiment with `changes`, which go to the top.
fn experiment(changes: Value) -> Value {
    let mut document = json!({ "title": "t", "description": "d", "method": [] });
    let changes: Map<String, Value> = serde_json::from_value(changes).unwrap();
    document.as_object_mut().unwrap().extend(changes);
    document
}

/// A sound activity with `changes`.
fn activity(changes: Value) -> Value {
    let mut data =
        json!({ "type": "action", "name": "a", "provider": { "type": "process", "path": "true" } });
    let changes: Map<String, Value> = serde_json::from_value(changes).unwrap();
    data.as_object_mut().unwrap().extend(changes);
    data
}

/// The problems with the provider of the only activity.
fn with_provider(provider: Value) -> Vec<String> {
    problems(experiment(json!({ "method": [activity(json!({ "provider": provider }))] })))
}

#[test]
fn a_sound_experiment_is_read_from_yaml() {
    let file = tempfile::Builder::new().suffix(".yml").tempfile().unwrap();
    let text = r#"
title: The shop answers at ${host}
description: Without a replica, too
tags: [shop]
contributions: {availability: high, speed: none}
extensions: [{name: ours, anything: 1}]
unknown: kept
configuration: {host: a.example, wait: 2}
secrets: {web: {token: hunter2}}
steady-state-hypothesis:
  title: It answers
  probes:
    - name: answers
      type: probe
      tolerance: 200
      provider:
        type: http
        url: http://${host}/
        method: post
        headers: {Content-Type: application/json, X-Token: "${token}"}
        arguments: {a: 1}
        timeout: [1, 2.5]
        verify_tls: no
        max_retries: 3
    - name: checked
      type: probe
      tolerance: {type: probe, name: judge, provider: {type: process, path: "true", arguments: "${value}"}}
      provider: {type: process, path: "/bin/true"}
    - ref: look
      tolerance: [0, 1]
method:
  - name: stop
    type: action
    background: yes
    pauses: {before: 0.5, after: "${wait}"}
    custom: kept
    provider: {type: process, path: "true", arguments: [-c, 1, null], timeout: 1.5}
  - ref: answers
  - ref: stop
    background: no
  - name: look
    type: probe
    provider: {type: process, path: "${program}", arguments: {"--a": 1}}
rollbacks:
  - ref: stop
runtime: {hypothesis: {strategy: continuously}}
"#;
    fs::write(&file, text).unwrap();
    let read = options().read(&file).unwrap();
    assert_eq!(read.file.as_deref(), Some(file.path()));
    assert_eq!(
        (read.title.as_str(), read.description.as_str()),
        ("The shop answers at ${host}", "Without a replica, too")
    );
    assert_eq!(read.document["unknown"], json!("kept"));
    assert_eq!(read.hypothesis_strategy, Some(HypothesisStrategy::Continuously));
    // A block that leaves one out means the default one.
    assert_eq!(read.rollback_strategy, Some(RollbackStrategy::Default));

    let hypothesis = read.hypothesis.unwrap();
    assert_eq!(hypothesis.title, "It answers");
    let [answers, checked, look] = &hypothesis.probes[..] else { panic!("{hypothesis:?}") };
    let Provider::Http(http) = &answers.provider else { panic!("{answers:?}") };
    assert_eq!((http.url.as_str(), http.method.as_str()), ("http://${host}/", "POST"));
    assert_eq!(http.headers["X-Token"], json!("${token}"));
    assert_eq!((&http.arguments, &http.timeout), (&json!({ "a": 1 }), &json!([1, 2.5])));
    assert_eq!((http.verify_tls, http.max_retries), (false, 3));
    assert!(matches!(&answers.tolerance, Some(ActivityTolerance::Value(_))), "{answers:?}");
    let Some(ActivityTolerance::Probe(judge)) = &checked.tolerance else { panic!("{checked:?}") };
    assert_eq!((judge.name.as_str(), judge.kind), ("judge", ActivityKind::Probe));
    assert_eq!(look.name, "look");
    assert!(matches!(&look.tolerance, Some(ActivityTolerance::Value(_))), "{look:?}");

    let [stop, answers_again, stop_again, _] = &read.method[..] else { panic!("{:?}", read.method) };
    let Provider::Process(process) = &stop.provider else { panic!("{stop:?}") };
    assert_eq!((process.path.as_str(), &process.arguments), ("true", &json!(["-c", 1, null])));
    assert_eq!(process.timeout.unwrap().as_secs_f64(), 1.5);
    assert!(stop.background);
    assert_eq!((&stop.pauses.before, &stop.pauses.after), (&Some(json!(0.5)), &Some(json!("${wait}"))));
    assert_eq!(stop.data["custom"], json!("kept"));
    // A `ref` has the data of what it stands for, and its own say on the background, as there.
    assert_eq!(*answers_again.data, read.document["steady-state-hypothesis"]["probes"][0]);
    assert_eq!((&stop_again.data, stop_again.background), (&stop.data, false));
    assert_eq!(read.rollbacks[0].data, stop.data);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file() {
    let document = json!({
        "title": "",
        "discription": "d",
        "tags": ["a", ""],
        "contributions": { "speed": "hihg" },
        "extensions": [{ "nam": "x" }],
        "configuration": { "port": { "type": "env", "key": "PORT" }, "n": { "type": "env", "key": "N",
            "default": "x", "env_var_type": "int" } },
        "secrets": { "web": { "token": { "type": "vault", "path": "a" } }, "db": "hunter2" },
        "steady-state-hypothesis": {
            "title": "h",
            "probes": [
                { "type": "probe", "name": "up", "tolerence": 200, "provider": { "type": "http", "url": "a.example" } },
                { "type": "probe", "name": "half", "tolerance": 0.5, "provider": { "type": "process",
                    "path": "true" } },
                { "type": "action", "name": "acts", "tolerance": { "type": "regex", "pattern": "(" },
                    "provider": { "type": "process", "path": "true" } },
            ],
        },
        "method": [
            { "type": "acton", "name": "", "provider": { "type": "proces" }, "background": "yes",
                "pauses": { "before": -1, "after": "5" } },
            { "ref": "upp" },
            { "type": "action", "name": "b", "provider": { "type": "process", "path": "no-such-program",
                "arguments": 5, "timeout": "5" }, "controls": [{ "name": "tracing" }] },
            { "type": "action", "name": "c", "provider": { "type": "python", "module": "chaosk8s.pod.actions",
                "func": "delete_pods" } },
            7,
        ],
        "rollbacks": [{ "ref": "nothing like it" }],
        "runtime": { "hypothesis": { "strategy": "continuous" }, "rollbacks": { "strategy": "alway" } },
    });
    let expected = [
        r#"description: missing, but "discription" is there; expected a text"#,
        r#"title: ""; expected a text"#,
        r#"tags[1]: ""; expected a text"#,
        r#"contributions.speed: "hihg"; expected high, medium, low or none; did you mean "high"?"#,
        r#"extensions[0].name: missing, but "nam" is there; expected a name"#,
        r#"configuration.port.key: PORT is not set; expected a variable of the environment, or a default"#,
        r#"configuration.n.default: "x"; expected a whole number"#,
        r#"secrets.web.token.type: vault; expected env: this program does not ask Vault"#,
        r#"secrets.db: a text; expected a group: a mapping of names to secrets"#,
        r#"steady-state-hypothesis.probes[0].provider.url: "a.example"; expected a URL with http:// or https://"#,
        "steady-state-hypothesis.probes[0].tolerance: missing, but \"tolerence\" is there; expected a \
            tolerance: a probe of the hypothesis needs one",
        "steady-state-hypothesis.probes[1].tolerance: 0.5; expected a boolean, a whole number, a text, a list, \
            or an object of the type regex, jsonpath or range; for a number with a fraction a range",
        r#"steady-state-hypothesis.probes[2].type: "action"; expected probe: a hypothesis only looks"#,
        "steady-state-hypothesis.probes[2].tolerance.pattern: Parsing error at position 1: Opening parenthesis \
            without closing parenthesis; expected a regular expression",
        r#"method[0].type: "acton"; expected probe or action; did you mean "action"?"#,
        r#"method[0].name: ""; expected a name"#,
        r#"method[0].provider.type: "proces"; expected process, http or python; did you mean "process"?"#,
        r#"method[0].background: "yes"; expected true or false"#,
        r#"method[0].pauses.before: -1; expected a number of seconds from 0 on, or a text such as ${name}"#,
        r#"method[0].pauses.after: "5"; expected a number of seconds from 0 on, or a text such as ${name}"#,
        "method[1].ref: \"upp\"; expected the name of an activity of the method, or of a probe of the \
            hypothesis; did you mean \"up\"?",
        r#"method[2].provider.path: "no-such-program"; expected a program in PATH"#,
        r#"method[2].provider.arguments: 5; expected a list, a mapping or a text"#,
        r#"method[2].provider.timeout: "5"; expected a number of seconds greater than 0"#,
        "method[2].controls[0]: \"tracing\"; expected --python PROGRAM, an interpreter that runs this Python \
            module, or --without-controls",
        "method[3].provider.func: chaosk8s.pod.actions.delete_pods; expected process or http, or an \
            interpreter that calls it: --python PROGRAM",
        r#"method[4]: 7; expected an activity: a mapping with type, name and provider, or with ref"#,
        "rollbacks[0].ref: \"nothing like it\"; expected the name of an activity of the method, or of a probe \
            of the hypothesis",
        "runtime.hypothesis.strategy: \"continuous\"; expected one of default, before-method-only, \
            after-method-only, during-method-only, continuously, skip; did you mean \"continuously\"?",
        "runtime.rollbacks.strategy: \"alway\"; expected one of default, always, never, deviated; did you mean \
            \"always\"?",
    ];
    assert_eq!(problems(document), expected);
}

#[test]
fn what_must_be_there_is_missed() {
    assert_eq!(
        problems(json!({ "metod": [] })),
        [
            "title: missing; expected a text",
            "description: missing; expected a text",
            r#"method: missing, but "metod" is there; expected a list of activities"#,
        ]
    );
    for (document, expected) in [
        (json!([]), "[]; expected an experiment: a mapping with title, description and method"),
        (json!(null), "null; expected an experiment: a mapping with title, description and method"),
        (experiment(json!({ "method": null })), "method: null; expected a list of activities"),
        (experiment(json!({ "method": {} })), "method: {}; expected a list of activities"),
        (experiment(json!({ "rollbacks": "a" })), "rollbacks: \"a\"; expected a list of activities"),
        (experiment(json!({ "title": 7 })), "title: 7; expected a text"),
        (experiment(json!({ "tags": "a" })), "tags: \"a\"; expected a list of texts"),
        (
            experiment(json!({ "steady-state-hypothesis": { "title": "h", "probs": [] } })),
            "steady-state-hypothesis.probes: missing, but \"probs\" is there; expected a list of probes, each with a \
                tolerance",
        ),
        (
            experiment(json!({ "steady-state-hypothesis": [] })),
            "steady-state-hypothesis: []; expected a mapping with title and probes",
        ),
        (
            experiment(json!({ "steady-state-hypothesis": { "probes": [] } })),
            "steady-state-hypothesis.title: missing; expected a text",
        ),
        (
            experiment(json!({ "method": [{ "type": "probe", "name": "a" }] })),
            "method[0].provider: missing; expected a mapping with a type",
        ),
        (
            experiment(json!({ "method": [activity(json!({ "timeout": "1" }))] })),
            "method[0].timeout: \"1\"; expected a number of seconds",
        ),
        (
            experiment(json!({ "method": [activity(json!({ "background": null }))] })),
            "method[0].background: null; expected true or false",
        ),
        (
            experiment(json!({ "method": [activity(json!({ "tolerance": { "type": "rage" } }))] })),
            "method[0].tolerance.type: \"rage\"; expected regex, jsonpath or range",
        ),
        (
            experiment(json!({ "method": [{ "ref": 7 }] })),
            "method[0].ref: 7; expected the name of an activity of the method, or of a probe of the hypothesis",
        ),
        (experiment(json!({ "runtime": 7 })), "runtime: 7; expected a mapping with hypothesis and rollbacks"),
    ] {
        assert_eq!(problems(document), [expected]);
    }
    let misspelt_there = experiment(json!({ "runtime": { "hypothesis": { "strategy": "continously" } } }));
    assert_eq!(read(misspelt_there).unwrap().hypothesis_strategy, Some(HypothesisStrategy::Continuously));
    assert_eq!(problems(experiment(json!({ "rollbacks": null, "tags": null, "runtime": {} }))), [""; 0]);
}

#[test]
fn each_property_of_a_process_is_checked() {
    for (properties, expected) in [
        (json!({}), "path: missing; expected a program in PATH, or the path of one"),
        (
            json!({ "pth": "a" }),
            "path: missing, but \"pth\" is there; expected a program in PATH, or the path of one",
        ),
        (json!({ "path": 1 }), "path: 1; expected a program in PATH, or the path of one"),
        (json!({ "path": "/etc/passwd" }), "path: \"/etc/passwd\"; expected a file that can be run"),
        (json!({ "path": "/bin" }), "path: \"/bin\"; expected a file that can be run"),
        (
            json!({ "path": "true", "arguments": true }),
            "arguments: true; expected a list, a mapping or a text",
        ),
        (json!({ "path": "true", "timeout": 0 }), "timeout: 0; expected a number of seconds greater than 0"),
        (
            json!({ "path": "true", "timeout": -1.5 }),
            "timeout: -1.5; expected a number of seconds greater than 0",
        ),
        (
            json!({ "path": "true", "timeout": 1e300 }),
            "timeout: 1e+300; expected a number of seconds greater than 0",
        ),
        (
            json!({ "path": "true", "timeout": "${t}" }),
            "timeout: \"${t}\"; expected a number of seconds greater than 0",
        ),
    ] {
        let mut provider = properties;
        provider["type"] = json!("process");
        assert_eq!(with_provider(provider), [format!("method[0].provider.{expected}")]);
    }
    for provider in [
        json!({ "type": "process", "path": "${program}" }),
        json!({ "type": "process", "path": "/bin/sh", "arguments": "-c true", "timeout": 5, "other": 1 }),
        json!({ "type": "process", "path": "sh", "arguments": {}, "timeout": null }),
    ] {
        assert_eq!(with_provider(provider), [""; 0]);
    }
    // The PATH is the one of the given environment.
    let none = ReadOptions::default().environment([("PATH", "/nowhere")]);
    let document = experiment(json!({ "method": [activity(json!({}))] }));
    assert_eq!(
        told(Experiment::from_document(document.clone(), &none)),
        ["method[0].provider.path: \"true\"; expected a program in PATH"]
    );
    assert_eq!(told(Experiment::from_document(document, &ReadOptions::default())), [""; 0]);
}

#[test]
fn each_property_of_a_request_is_checked() {
    const TIMEOUT: &str =
        "a number of seconds greater than 0, a list of two of them, or a text such as ${name}";
    for (name, value, expected) in [
        ("url", json!(null), "a URL with http:// or https://"),
        ("url", json!("ftp://a"), "a URL with http:// or https://"),
        ("url", json!("http://"), "a URL with http:// or https://"),
        ("method", json!("GET /"), "a method such as GET"),
        ("method", json!(7), "a method such as GET"),
        ("headers", json!(["a"]), "a mapping of names to texts"),
        ("timeout", json!(0), TIMEOUT),
        ("timeout", json!("5"), TIMEOUT),
        ("timeout", json!([1]), TIMEOUT),
        ("timeout", json!([1, "x"]), TIMEOUT),
        ("verify_tls", json!("no"), "true or false"),
        ("max_retries", json!(1.5), "a whole number"),
        ("max_retries", json!(-1), "a whole number"),
        (
            "arguments",
            json!(5),
            "a mapping, a list or a text, if the header Content-Type is not application/json",
        ),
    ] {
        let mut provider = json!({ "type": "http", "url": "https://a.example" });
        provider[name] = value.clone();
        assert_eq!(
            with_provider(provider),
            [format!("method[0].provider.{name}: {value}; expected {expected}")]
        );
    }
    assert_eq!(
        with_provider(json!({ "type": "http", "url": "http://a", "headers": { "X": ["a"] } })),
        ["method[0].provider.headers.X: [\"a\"]; expected a text"]
    );
    for provider in [
        json!({ "type": "http", "url": "${url}", "timeout": "${t}" }),
        json!({ "type": "http", "url": "HTTP://[::1]:80/", "timeout": [null, 5], "headers": null }),
        json!({ "type": "http", "url": "http://a", "arguments": 5, "headers": { "Content-Type": "application/json" } }),
        json!({ "type": "http", "url": "http://a", "arguments": 5, "headers": { "Content-Type": "${type}" } }),
    ] {
        assert_eq!(with_provider(provider), [""; 0]);
    }
}

#[test]
fn other_providers_are_refused_by_name() {
    for (provider, expected) in [
        (json!({}), "type: missing; expected process, http or python"),
        (
            json!({ "type": "chaos" }),
            "event: missing, or beside probe; expected an event or a probe, by its name",
        ),
        (json!({ "type": "docker" }), "type: \"docker\"; expected process, http or python"),
        (json!({ "type": 7 }), "type: 7; expected process, http or python"),
        (
            json!({ "type": "python", "module": "m" }),
            "func: missing; expected the name of a function of the module",
        ),
    ] {
        assert_eq!(with_provider(provider), [format!("method[0].provider.{expected}")]);
    }
    assert_eq!(
        with_provider(json!("process")),
        ["method[0].provider: \"process\"; expected a mapping with a type"]
    );
}

#[test]
fn controls_are_refused_wherever_they_stand_unless_they_are_left_out() {
    let control = json!([{ "name": "tracing", "provider": { "type": "python", "module": "m" } }]);
    let own = activity(json!({ "controls": control }));
    let probe = activity(json!({ "type": "probe", "name": "p", "controls": control, "tolerance": {
        "type": "probe", "name": "q", "controls": control, "provider": { "type": "process", "path": "true" },
    } }));
    let document = experiment(json!({
        "controls": control,
        "configuration": { "c": probe },
        "steady-state-hypothesis": { "title": "h", "controls": control, "probes": [probe] },
        "method": [own, { "ref": "a", "controls": [{ "ref": "tracing" }] }],
        "rollbacks": [own],
    }));
    let places = [
        "method[0].controls[0]",
        "method[1].controls[0]",
        "controls[0]",
        "configuration.c.controls[0]",
        "steady-state-hypothesis.probes[0].tolerance.controls[0]",
        "steady-state-hypothesis.probes[0].controls[0]",
        "steady-state-hypothesis.controls[0]",
        "rollbacks[0].controls[0]",
    ];
    let expected = places.map(|place| {
        let expected = "--python PROGRAM, an interpreter that runs this Python module, or --without-controls";
        format!("{place}: \"tracing\"; expected {expected}")
    });
    assert_eq!(problems(document.clone()), expected);
    assert_eq!(told(Experiment::from_document(document, &options().without_controls())), [""; 0]);
}

#[test]
fn a_reference_stands_for_the_last_activity_of_its_name_but_for_no_rollback() {
    let with_path = |path: &str| json!({ "type": "process", "path": path });
    let probe = json!({ "type": "probe", "name": "twice", "tolerance": true, "provider": with_path("sh") });
    let read = read(experiment(json!({
        "steady-state-hypothesis": { "title": "h", "probes": [probe] },
        "method": [activity(json!({ "name": "twice" })), { "ref": "twice", "name": "alias" }],
    })))
    .unwrap();
    assert_eq!(*read.method[1].data, probe);
    assert!(read.method[1].tolerance.is_some());

    let document = experiment(json!({
        "method": [{ "ref": "undo" }, { "ref": "alias" }, { "ref": "undo", "name": "alias" }, { "ref": "broken" },
            activity(json!({ "name": "broken", "provider": with_path("/") }))],
        "rollbacks": [activity(json!({ "name": "undo" }))],
    }));
    let told = problems(document);
    let places: Vec<&str> = told.iter().map(|problem| problem.split(": ").next().unwrap()).collect();
    // What is wrong with an activity is told once, where it stands.
    assert_eq!(
        places,
        ["method[0].ref", "method[1].ref", "method[2].ref", "method[4].provider.path"],
        "{told:?}"
    );

    let document = experiment(json!({
        "steady-state-hypothesis": { "title": "h", "probes": [{ "ref": "a" }, { "ref": "a", "tolerance": 0 }] },
        "method": [activity(json!({}))],
    }));
    assert_eq!(
        problems(document),
        [
            "steady-state-hypothesis.probes[0].tolerance: missing; expected a tolerance: a probe of the hypothesis \
                needs one",
            "steady-state-hypothesis.probes[0].ref: \"a\"; expected a probe",
            "steady-state-hypothesis.probes[1].ref: \"a\"; expected a probe",
        ]
    );
}

#[test]
fn what_chaos_toolkit_takes_is_taken_where_that_is_wanted() {
    let document = experiment(json!({
        "contributions": { "speed": "enormous" },
        "configuration": { "c": { "type": "evn", "key": "X" } },
        "secrets": { "s": { "c": { "type": "evn", "key": "X" } } },
        "steady-state-hypothesis": { "title": "h" },
        "method": [activity(json!({ "tolerance": 0.5, "provider": { "type": "http", "url": "a.example" } }))],
        "rollbacks": [activity(json!({ "tolerance": { "type": "probe" } }))],
    }));
    assert_eq!(problems(document.clone()).len(), 8);
    assert_eq!(told(Experiment::from_document(document, &options().compatible())), [""; 0]);

    let hypothesis = json!({ "title": "h", "probes": [activity(json!({ "tolerance": true }))] });
    let document = experiment(json!({ "steady-state-hypothesis": hypothesis }));
    assert_eq!(problems(document.clone()).len(), 1);
    assert_eq!(told(Experiment::from_document(document, &options().compatible())), [""; 0]);

    let document = experiment(json!({ "method": [activity(json!({ "provider": { "type": "chaos" } }))] }));
    assert_eq!(
        told(Experiment::from_document(document, &options().compatible())),
        ["method[0].provider.type: \"chaos\"; expected process, http or python"]
    );
}

#[test]
fn an_activity_is_read_back_from_its_data() {
    let data = activity(json!({
        "pauses": { "after": 1 }, "tolerance": { "type": "probe", "name": "p", "provider": { "type": "process",
            "path": "true" } },
        "controls": [{ "name": "tracing" }], "background": true,
        "provider": { "type": "process", "path": "gone-by-now", "arguments": ["${a}"] },
    }));
    let read = Activity::from_data(&data, "rollbacks[0]").unwrap();
    assert_eq!((read.name.as_str(), read.background, &*read.data), ("a", true, &data));
    assert!(matches!(read.tolerance, Some(ActivityTolerance::Probe(_))), "{read:?}");

    let python = json!({ "type": "python", "module": "m", "func": "f", "arguments": { "a": 1 }, "secrets": ["s"],
        "x": 1 });
    let read = Activity::from_data(&activity(json!({ "provider": python })), "x").unwrap();
    let Provider::Python(python) = &read.provider else { panic!("{read:?}") };
    assert_eq!((python.module.as_str(), python.function.as_str()), ("m", "f"));
    assert_eq!(
        (&python.arguments["a"], python.secrets.as_deref(), &python.other["x"]),
        (&json!(1), Some(&["s".to_owned()][..]), &json!(1))
    );

    for (data, expected) in [
        (json!({ "ref": "a" }), "r[0].ref: \"a\"; expected an activity that stands for itself"),
        (json!(7), "r[0]: 7; expected an activity: a mapping with type, name and provider, or with ref"),
        (
            activity(json!({ "provider": { "type": "chaos" } })),
            "r[0].provider.type: \"chaos\"; expected process, http or python",
        ),
    ] {
        assert_eq!(Activity::from_data(&data, "r[0]").unwrap_err().to_string(), expected);
    }
}

#[test]
fn what_is_hostile_is_refused_in_bounded_time_and_memory() {
    // A thousand problems are told, the others are counted.
    let nothing = vec![json!({ "ref": "nothing" }); 20_000];
    let many: Vec<Value> =
        (0..200).map(|index| activity(json!({ "name": format!("nothing{index}") }))).collect();
    let told = problems(experiment(json!({ "rollbacks": nothing, "method": many })));
    assert_eq!((told.len(), told[1000].as_str()), (1001, "19000 more problems; expected none"));

    // Each reference is a copy.
    let large = activity(json!({ "comment": "x".repeat(4 << 20) }));
    let told =
        problems(experiment(json!({ "method": [large], "rollbacks": vec![json!({ "ref": "a" }); 2_000] })));
    assert_eq!(told[0], "rollbacks[15].ref: \"a\"; expected references that stand for at most 64 MiB");

    let secrets: Map<String, Value> =
        (0..2_000).map(|index| (format!("s{index}"), json!("hunter2"))).collect();
    let told = problems(experiment(json!({ "secrets": { "web": secrets }, "title": ["hunter2"] })));
    assert_eq!(told, ["secrets: 2000 values; expected at most 1000"]);
}

/// Almost as deep as a document can be, which is 128.
#[test]
fn what_is_deep_is_read_or_refused() {
    let nested = |before: &str, within: &str, after: &str| -> Value {
        serde_json::from_str(&(before.repeat(100) + within + &after.repeat(100))).unwrap()
    };
    let tolerance =
        r#"{"type": "probe", "name": "a", "provider": {"type": "process", "path": "true"}, "tolerance": "#;
    for (deep, is_tolerance) in [
        (nested("[", "", "]"), true),
        (nested("{\"a\":", "1", "}"), false),
        (nested(tolerance, "1", "}"), true),
    ] {
        let told = problems(json!({
            "title": deep, "description": "d", "method": deep, "rollbacks": [deep], "runtime": deep,
            "configuration": { "a": deep, "b": { "type": "env", "key": "X", "default": deep, "env_var_type": "int" } },
            "secrets": { "a": { "b": deep } },
            "steady-state-hypothesis": { "title": "h", "probes": [
                { "type": "probe", "name": "a", "tolerance": deep, "provider": { "type": "process",
                    "path": "true", "arguments": deep } },
            ] },
        }));
        let has = |path: &str| told.iter().any(|problem| problem.starts_with(path));
        assert!(has("title: ") && has("configuration.b.default: "), "{told:?}");
        assert_eq!(has("steady-state-hypothesis.probes[0].tolerance"), !is_tolerance, "{told:?}");
    }
}

/// Words that mean something in an experiment, and values of every type.
fn any_document() -> impl Strategy<Value = Value> {
    const WORDS: [&str; 36] = [
        "title",
        "description",
        "method",
        "steady-state-hypothesis",
        "probes",
        "rollbacks",
        "configuration",
        "secrets",
        "tags",
        "contributions",
        "controls",
        "extensions",
        "runtime",
        "hypothesis",
        "strategy",
        "type",
        "name",
        "provider",
        "process",
        "http",
        "python",
        "path",
        "url",
        "arguments",
        "timeout",
        "headers",
        "tolerance",
        "regex",
        "pattern",
        "jsonpath",
        "range",
        "env",
        "key",
        "default",
        "ref",
        "pauses",
    ];
    let word = prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
    let key = prop_oneof![8 => word.clone(), 1 => "\\PC{0,8}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.prop_map(Value::from),
        prop::sample::select(&["probe", "action", "true", "${a}", "$.a", "(", ""][..]).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 96, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_document_is_read_or_refused(document in any_document()) {
        if let Err(problems) = read(document.clone()) {
            prop_assert!(problems.iter().count() > 0);
        }
        drop(Experiment::from_document(document.clone(), &options().compatible().without_controls()));
        drop(Activity::from_data(&document, "a"));
    }

    /// Anything in any place of an experiment that has everything.
    #[test]
    fn any_part_is_read_or_refused(
        parts in prop::collection::vec((any::<prop::sample::Index>(), any_document()), 1..4),
    ) {
        let mut document = everything();
        for (at, part) in parts {
            let places = places(&document, "");
            *document.pointer_mut(&places[at.index(places.len())]).unwrap() = part;
        }
        for options in [options(), options().compatible().without_controls()] {
            if let Err(problems) = Experiment::from_document(document.clone(), &options) {
                prop_assert!(problems.iter().count() > 0);
            }
        }
    }
}

/// A sound experiment with all that the format has.
fn everything() -> Value {
    let process = json!({ "type": "process", "path": "true", "arguments": ["a", 1], "timeout": 1 });
    let http = json!({
        "type": "http", "url": "http://a", "method": "POST", "headers": { "a": "b" }, "arguments": { "a": 1 },
        "timeout": [1, 2], "verify_tls": false, "max_retries": 1,
    });
    let probe =
        |tolerance: Value| json!({ "type": "probe", "name": "p", "tolerance": tolerance, "provider": http });
    let step = activity(
        json!({ "provider": process, "background": true, "pauses": { "before": 1, "after": "${a}" } }),
    );
    experiment(json!({
        "tags": ["a"], "contributions": { "a": "high" }, "extensions": [{ "name": "a" }],
        "configuration": {
            "a": 1, "b": { "type": "env", "key": "NONE", "default": "1", "env_var_type": "int" }, "c": probe(json!(0)),
        },
        "secrets": { "a": { "b": "hunter2", "c": { "d": { "type": "env", "key": "PATH" } } } },
        "steady-state-hypothesis": { "title": "h", "probes": [
            probe(json!(200)), probe(json!([200, 204])),
            probe(json!({ "type": "range", "range": [1, 2], "target": "a" })),
            probe(json!({ "type": "regex", "pattern": "a" })), probe(probe(json!(0))),
            probe(json!({ "type": "jsonpath", "path": "$.a", "expect": 1, "count": 1 })),
            { "ref": "p", "tolerance": 1 },
        ] },
        "method": [step, { "ref": "p" }, { "ref": "a", "background": true }],
        "rollbacks": [step, { "ref": "a" }],
        "runtime": { "hypothesis": { "strategy": "skip" }, "rollbacks": { "strategy": "always" } },
    }))
}

#[test]
fn an_experiment_that_has_everything_is_sound() {
    assert_eq!(problems(everything()), [""; 0]);
}

/// The pointer to each value within a value.
fn places(value: &Value, at: &str) -> Vec<String> {
    let within: Vec<String> = match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, item)| places(item, &format!("{at}/{index}")))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(value, &format!("{at}/{key}"))
            })
            .collect(),
        _ => Vec::new(),
    };
    std::iter::once(at.to_owned()).chain(within).collect()
}
