//! Functions and controls in Python, as people run them: killed, interrupted, with secrets, and refused.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{killed::is_empty, place::Place};
use crate::support::{Ended, end, send};

/// `act` tells the log that it begins and stays if a file asks for it, as the script of [`Place`] does.
const PARTS: &str = r#"
import os, subprocess, sys, time

HERE = os.getcwd()

def act(name, configuration, word=None):
    at = lambda name: os.path.join(HERE, name)
    with open(at("log"), "a") as log:
        print("begin", name, *([word] if word else []), file=log)
    if os.path.exists(at("begin." + name)):
        subprocess.Popen(["sleep", "600"])
        with open(at("said"), "w") as said:
            print("begin", name, file=said)
        time.sleep(600)
    return configuration

def shows(secrets, fails=False):
    token = secrets["token"]
    print("printed", token)
    # In each place of a line that is cut.
    for before in range(8 * 1024 - 40, 8 * 1024 + 8):
        sys.stderr.write("x" * before + token)
        sys.stderr.flush()
        time.sleep(0.001)
        sys.stderr.write(token + "\n")
    os.write(1, (token + "\n").encode())
    if fails:
        raise ValueError("a " + token)
    return {token: [token, {"in": "a " + token + " b"}]}
"#;

/// A control that tells a secret, and prints it before it is known.
const HOOKS: &str = r#"
import sys

def before_activity_control(context, secrets):
    secrets["more"] = {"hidden": "XQHIDDENQX"}
    print("XQHIDDENQX", file=sys.stderr)
    raise RuntimeError("XQHIDDENQX")

def after_activity_control(context, state, secrets):
    state["note"] = [secrets["more"]["hidden"], secrets["web"]["token"]]
"#;

const TOKEN: &str = "XQTOKENQX/\"é\\";

fn function(kind: &str, name: &str, function: &str, arguments: Value) -> Value {
    json!({ "type": kind, "name": name, "provider": {
        "type": "python", "module": "parts", "func": function, "arguments": arguments, "secrets": ["web"] } })
}

fn act(kind: &str, name: &str) -> Value {
    function(kind, name, "act", json!({ "name": name }))
}

fn place() -> Place {
    let place = Place::new();
    fs::write(place.path("parts.py"), PARTS).unwrap();
    fs::write(place.path("hooks.py"), HOOKS).unwrap();
    place
}

fn experiment() -> Value {
    let mut steady = act("probe", "steady");
    steady["tolerance"] = json!({ "type": "jsonpath", "path": "$.port", "expect": 8080 });
    let mut one = act("action", "one");
    one["undo"] = act("action", "undo-one");
    json!({
        "title": "Python", "description": "Killed and interrupted.", "configuration": { "port": 8080 },
        "secrets": { "web": { "token": TOKEN } },
        "steady-state-hypothesis": { "title": "It is steady", "probes": [steady] },
        "method": [one, act("action", "two")],
        "rollbacks": [function("action", "roll", "act", json!({ "name": "roll", "word": "${port}" }))],
    })
}

async fn run(place: &Place, more: &[&str]) -> Ended {
    end(place.run(&[&["--python", "python3"], more].concat()).spawn().unwrap()).await
}

/// In each part of the run; what was begun is undone by another process, which knows neither the option nor the folder.
#[tokio::test]
async fn after_a_kill_recover_plays_what_is_in_python() {
    for (stays, expected) in [
        ("steady", &[][..]),
        ("one", &["undo-one", "roll 8080"]),
        ("two", &["undo-one", "roll 8080"]),
        ("roll", &["undo-one", "roll 8080"]),
    ] {
        let mut place = place();
        place.write("experiment.json", &experiment());
        fs::create_dir(place.path("modules")).unwrap();
        fs::rename(place.path("parts.py"), place.path("modules/parts.py")).unwrap();
        place.stay("begin", stays, 1);
        let mut program = place.run(&["--python", "python3"]).env("PYTHONPATH", "modules").spawn().unwrap();
        assert_eq!(place.said().await, format!("begin {stays}"));
        program.kill().await.unwrap();
        is_empty(&place, stays).await;
        place.go_on();
        let before = place.begun().len();
        let mut recover = place.chaos(&["recover", "--journal"]);
        recover.arg(place.path("experiments.journal")).current_dir("/");
        end(recover.spawn().unwrap()).await.with_code(0);
        assert_eq!(place.begun()[before..], *expected, "{stays}");
        is_empty(&place, "recover").await;
    }
}

/// Nobody else knows a secret that a hook has told. Its name must not be passed on in its place.
#[tokio::test]
async fn a_rollback_with_a_secret_of_a_control_fails_by_name_in_recover() {
    let mut place = place();
    let mut data = experiment();
    data["controls"] = json!([{ "name": "c", "provider": { "type": "python", "module": "hooks" } }]);
    data["rollbacks"][0]["provider"]["arguments"]["word"] = "${hidden}".into();
    place.write("experiment.json", &data);
    place.stay("begin", "two", 1);
    let mut program = place.run(&["--python", "python3"]).spawn().unwrap();
    assert_eq!(place.said().await, "begin two");
    program.kill().await.unwrap();
    is_empty(&place, "two").await;
    place.go_on();
    let recovered = place.recover().await.with_code(4);
    assert!(
        recovered.stdout.contains("roll: it needs ${hidden}, a secret that a control told"),
        "{recovered:#?}"
    );
    assert_eq!(place.begun().last().unwrap(), "undo-one");
}

#[tokio::test]
async fn a_signal_ends_what_hangs_in_python_and_the_rollbacks_are_played() {
    for (signal, stays) in [(Signal::INT, "one"), (Signal::TERM, "two")] {
        let mut place = place();
        place.write("experiment.json", &experiment());
        place.stay("begin", stays, 1);
        let program = place.run(&["--python", "python3"]).spawn().unwrap();
        assert_eq!(place.said().await, format!("begin {stays}"));
        send(program.id().unwrap(), signal);
        end(program).await.with_code(5);
        let begun = place.begun();
        assert_eq!(begun[begun.len() - 2..], ["undo-one", "roll 8080"]);
        is_empty(&place, stays).await;
    }
}

/// Neither the interpreter nor what it has started outlives the run.
#[tokio::test]
async fn nothing_of_the_interpreter_is_left_after_a_run() {
    let place = place();
    place.write("experiment.json", &experiment());
    run(&place, &[]).await.with_code(0);
    assert_eq!(place.processes(), [""; 0]);
    assert_eq!(place.begun(), ["steady", "one", "two", "steady", "undo-one", "roll 8080"]);
}

#[tokio::test]
async fn no_secret_of_python_is_in_a_file_a_log_or_on_a_terminal() {
    let place = place();
    let mut data = experiment();
    data["method"] = json!([
        function("action", "shows", "shows", json!({})),
        function("action", "fails", "shows", json!({ "fails": true })),
    ]);
    data["controls"] = json!([{ "name": "c", "provider": { "type": "python", "module": "hooks" } }]);
    place.write("experiment.json", &data);
    let mut program = place.run(&["--python", "python3", "--report", "page.html", "--report", "all.json"]);
    let ended = end(program.env("RUST_LOG", "trace").spawn().unwrap()).await.with_code(5);
    assert!(ended.stderr.contains("printed ********"), "{}", ended.stderr);
    assert!(ended.stderr.contains("RuntimeError: ********"), "{}", ended.stderr);
    assert!(ended.stdout.contains("parts.shows raised ValueError: a ********"), "{}", ended.stdout);
    let journal = place.toolkit_journal().unwrap();
    assert_eq!(journal["run"][0]["output"]["********"][1]["in"], "a ******** b");
    assert_eq!(journal["run"][0]["note"], json!(["********", "********"]));
    let files = ["journal.json", "page.html", "all.json", "experiments.journal"];
    let files = files.map(|name| String::from_utf8_lossy(&fs::read(place.path(name)).unwrap()).into_owned());
    for text in files.iter().chain([&ended.stdout, &ended.stderr]) {
        for core in ["XQTOKENQX", "XQHIDDENQX"] {
            let at = text.find(core).map(|at| &text[at.saturating_sub(200)..at + 20]);
            assert_eq!(at, None, "{core}");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_in_python_is_told_before_anything_runs() {
    let place = place();
    let mut data = experiment();
    data["method"][1]["provider"]["func"] = "axt".into();
    data["rollbacks"][0]["provider"]["arguments"]["wrod"] = 1.into();
    place.write("experiment.json", &data);
    place.write("sound.json", &experiment());
    let wrong = [
        r#"method[1].provider.func: "axt"; expected a function of parts; did you mean "act"?"#,
        "rollbacks[0].provider.arguments.wrod: an unknown argument; expected a parameter of parts.act: name, \
            configuration, word; did you mean \"word\"?",
    ];
    for more in [&[][..], &["--check"], &["sound.json"], &["--json"]] {
        let ended = run(&place, more).await.with_code(2);
        assert!(ended.stderr.ends_with(&format!("cannot be run:\n{}\n", wrong.join("\n"))), "{ended:#?}");
        assert_eq!(place.begun(), [""; 0]);
    }
    run(&place, &["--compat"]).await.with_code(1);
    let ended = place.ended(&["run", "sound.json", "--python", "python3", "--check"]).await.with_code(0);
    assert_eq!(ended.stdout, "1 experiment can be run\n");
    let ended = place.ended(&["run", "sound.json"]).await.with_code(2);
    assert!(
        ended.stderr.contains("method[0].provider.func: parts.act; expected process or http, or"),
        "{ended:#?}"
    );
    let ended = place.ended(&["run", "sound.json", "--python", "no-such-python"]).await.with_code(2);
    assert!(
        ended.stderr.contains("the Python interpreter no-such-python; expected a program in PATH"),
        "{ended:#?}"
    );
    assert_eq!(place.begun(), [""; 0]);
}

#[tokio::test]
async fn controls_are_refused_by_name_unless_they_are_run_or_left_out() {
    let place = place();
    let mut data = experiment();
    data["controls"] = json!([{ "name": "tracing", "provider": { "type": "python", "module": "hooks" } }]);
    data["method"] = json!([place.activity("action", "one", &[])]);
    data["rollbacks"] = json!([]);
    data.as_object_mut().unwrap().remove("steady-state-hypothesis");
    place.write("experiment.json", &data);
    let settings = json!({
        "controls": { "everywhere": { "provider": { "type": "python", "module": "hooks" } } },
        "runtime": { "rollbacks": { "strategy": "never" } },
    });
    place.write("settings.yaml", &settings);
    let ended = end(place.run(&["--settings", "settings.yaml"]).spawn().unwrap()).await.with_code(2);
    for name in ["controls[0]: \"tracing\"", "settings.yaml: controls.everywhere: a control"] {
        assert!(ended.stderr.contains(name), "{ended:#?}");
    }
    assert!(ended.stderr.contains("--without-controls"), "{ended:#?}");
    let without = ["--settings", "settings.yaml", "--without-controls"];
    end(place.run(&without).spawn().unwrap()).await.with_code(0);
    run(&place, &["--settings", "settings.yaml"]).await.with_code(0);
    assert_eq!(place.begun(), ["one", "one"]);
}
