//! Controls in a real interpreter: what their hooks may change, and what they may not keep from happening.

use std::{fs, path::Path, time::Duration};

use chaos_core::MemoryJournal;
use chaos_lab::{
    experiment::{Experiment, ReadOptions},
    run::{ExperimentReport, ExperimentVerdict, Lab, RunOptions},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    parts::{lines, sh},
    soon,
};

/// Each hook writes its name to the log, and does what the arguments of its control say for that name.
const HOOKS: &str = r#"
import atexit, os, sys, threading, time
HERE = os.path.dirname(os.path.abspath(__file__))

class InterruptExecution(Exception):
    pass

class Later(InterruptExecution):
    pass

def told(what, does, state=None, configuration=None, secrets=None, experiment=None):
    with open(os.path.join(HERE, "log"), "a") as file:
        print(what, file=file)
    deed = (does or {}).get(what)
    if deed == "raise":
        raise RuntimeError("of a hook")
    if deed == "interrupt":
        raise Later("enough of ${token}")
    if deed == "exit":
        sys.exit(3)
    if deed == "die":
        os._exit(3)
    if deed == "hang":
        time.sleep(600)
    if deed == "add":
        configuration["added"] = "new-value"
        secrets["more"] = {"hidden": "told-by-a-hook"}
        print("this is told-by-a-hook")
    if deed == "change":
        secrets["web"]["token"] = "another-token"
    if deed == "claim" and isinstance(state, dict):
        state.update(status="succeeded", output="claimed", deviated=False, exception=None, note="by a hook")
    if deed == "describe":
        experiment.setdefault("extensions", []).append({"name": "ours", "id": 7})
        experiment["method"] = []
        experiment["rollbacks"] = []

def stays(mark):
    atexit.register(lambda: open(mark, "w").close())
    threading.Thread(target=time.sleep, args=(600,)).start()

def configure_control(does=None, configuration=None, secrets=None, experiment=None):
    told("configure", does, None, configuration, secrets, experiment)

def cleanup_control():
    told("cleanup", None)
"#;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut hooks = HOOKS.to_owned();
        for level in ["experiment", "hypothesis", "method", "rollback", "activity"] {
            let name = if level == "activity" { "' ' + context['name']" } else { "''" };
            for (scope, state) in [("before", ""), ("after", "state, ")] {
                hooks += &format!(
                    "def {scope}_{level}_control(context, {state}configuration, secrets, experiment, does=None):\n    \
                     told('{scope} {level}' + {name}, does, {}, configuration, secrets, experiment)\n",
                    if state.is_empty() { "None" } else { "state" },
                );
            }
        }
        fs::write(folder.path().join("hooks.py"), hooks).unwrap();
        let variables = format!("PYTHONPATH={}\n", folder.path().display());
        fs::write(folder.path().join("variables.env"), variables).unwrap();
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn options(&self) -> ReadOptions {
        ReadOptions::default().python("python3").variable_file(self.path().join("variables.env"))
    }

    /// Two steps and a rollback, with a control that does this.
    fn experiment(&self, does: Value, more: Value) -> Experiment {
        let log = |word: &str| format!("echo {word} >>{}/log", self.path().display());
        let mut document = json!({
            "title": "t", "description": "d",
            "method": [sh("action", "one", &log("one")), sh("action", "two", &log("two"))],
            "rollbacks": [sh("action", "undo", &log("undo"))],
            "controls": [{ "name": "c", "provider": { "type": "python", "module": "hooks",
                "arguments": { "does": does } } }],
        });
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Experiment::from_document(document, &self.options()).unwrap()
    }

    async fn run(&self, does: Value, more: Value) -> ExperimentReport {
        let experiment = self.experiment(does, more);
        soon(Lab::new().journal(MemoryJournal::new()).run(&experiment)).await.unwrap()
    }
}

const WHOLE: [&str; 17] = [
    "configure",
    "before experiment",
    "before method",
    "before activity one",
    "one",
    "after activity one",
    "before activity two",
    "two",
    "after activity two",
    "after method",
    "before rollback",
    "before activity undo",
    "undo",
    "after activity undo",
    "after rollback",
    "after experiment",
    "cleanup",
];

#[tokio::test]
async fn hooks_are_called_around_each_part_and_their_failures_change_nothing() {
    let place = Place::new();
    let each: serde_json::Map<_, _> = WHOLE.iter().map(|what| ((*what).to_owned(), "raise".into())).collect();
    for does in [json!({}), each.into()] {
        let _ = fs::remove_file(place.path().join("log"));
        let report = place.run(does, json!({})).await;
        assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
        assert_eq!(lines(place.path()), WHOLE);
    }
}

/// An exit and an interrupt of its own are as an interrupt.
#[tokio::test]
async fn an_interrupt_cuts_the_method_short_and_every_rollback_is_played() {
    for (moment, deed, is_run) in [
        ("before experiment", "interrupt", 0),
        ("before method", "interrupt", 0),
        ("before activity one", "interrupt", 0),
        ("after activity one", "interrupt", 1),
        ("before activity two", "exit", 1),
        ("after method", "interrupt", 2),
        ("before rollback", "interrupt", 2),
        ("before activity undo", "interrupt", 2),
        ("after rollback", "interrupt", 2),
    ] {
        let place = Place::new();
        let secrets = json!({ "secrets": { "web": { "token": "s3cret-s3cret" } } });
        let report = place.run(json!({ moment: deed }), secrets).await;
        let log = lines(place.path());
        let run = ["one", "two"].iter().filter(|step| log.iter().any(|line| line == **step)).count();
        assert_eq!(run, is_run, "{moment}: {log:?}");
        let is_armed = moment != "before experiment";
        assert_eq!(log.iter().any(|line| line == "undo"), is_armed, "{moment}: {log:?}");
        assert_eq!(log.iter().any(|line| line == "after rollback"), is_armed, "{moment}: {log:?}");
        assert_eq!(log[log.len() - 2..], ["after experiment", "cleanup"], "{moment}: {log:?}");
        let verdict = if is_armed { ExperimentVerdict::Failed } else { ExperimentVerdict::Skipped };
        assert_eq!(report.verdict, verdict, "{moment}: {report}");
        assert!(report.reasons[0].starts_with("a control interrupted the run: "), "{moment}: {report}");
        assert!(!report.to_string().contains("s3cret"), "{report}");
    }
}

#[tokio::test]
async fn what_hooks_add_to_the_names_is_used_and_masked() {
    let place = Place::new();
    let report = place
        .run(
            json!({ "configure": "add" }),
            json!({ "method": [sh("action", "one", "echo ${added} ${hidden}")], "rollbacks": [] }),
        )
        .await;
    assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
    assert_eq!(report.method[0].output["stdout"], "new-value ********\n");
    assert!(!report.journal().to_string().contains("told-by-a-hook"));
}

/// What a step has shown before a hook told that it is a secret.
#[tokio::test]
async fn what_becomes_a_secret_is_masked_in_what_was_recorded_before() {
    let place = Place::new();
    let show = sh("action", "one", "echo told-by-a-hook; exit 3");
    let report = place.run(json!({ "after activity one": "add" }), json!({ "method": [show] })).await;
    assert_eq!(report.method[0].output["stdout"], "********\n", "{report}");
    let all = format!("{report:?} {}", report.journal());
    assert!(!all.contains("told-by-a-hook"), "{all}");
}

/// A thread that does not end keeps no interpreter, and what the modules have registered for the end is done.
#[tokio::test]
async fn what_python_does_at_its_end_is_done() {
    let place = Place::new();
    let mark = place.path().join("mark");
    let provider =
        json!({ "type": "python", "module": "hooks", "func": "stays", "arguments": { "mark": mark } });
    let stays = json!({ "type": "action", "name": "stays", "provider": provider });
    let report = place.run(json!({}), json!({ "method": [stays], "rollbacks": [] })).await;
    assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
    assert!(mark.exists());
}

/// A secret stays one after a hook has changed it.
#[tokio::test]
async fn what_a_secret_was_before_a_hook_changed_it_is_masked() {
    let place = Place::new();
    let file = place.path().join("kept");
    let keep = sh("action", "one", &format!("echo ${{token}} >{}", file.display()));
    let show = sh("action", "two", &format!("cat {} >&2; exit 3", file.display()));
    let more = json!({
        "secrets": { "web": { "token": "the-first-token" } }, "method": [keep, show], "rollbacks": [],
    });
    let report = place.run(json!({ "before activity two": "change" }), more).await;
    assert_eq!(fs::read_to_string(file).unwrap(), "the-first-token\n");
    assert_eq!(report.method[1].output["stderr"], "********\n", "{report}");
    assert!(!report.journal().to_string().contains("the-first-token"));
}

#[tokio::test]
async fn hooks_add_to_the_journal_and_claim_nothing() {
    let place = Place::new();
    let does = json!({ "after activity one": "claim", "after experiment": "claim" });
    let method = json!([sh("action", "one", "echo real; exit 3")]);
    let report = place.run(does, json!({ "method": method })).await;
    assert_eq!(report.verdict, ExperimentVerdict::Failed, "{report}");
    let journal = report.journal();
    assert_eq!(journal["run"][0]["output"]["stdout"], "real\n");
    assert_eq!((&journal["run"][0]["note"], &journal["note"]), (&json!("by a hook"), &json!("by a hook")));
    assert_eq!((&journal["verdict"], &journal["output"]), (&json!("failed"), &json!("claimed")));
}

/// What is carried out stays as it was checked.
#[tokio::test]
async fn hooks_describe_the_experiment_and_do_not_change_what_is_done() {
    let place = Place::new();
    let report = place.run(json!({ "before experiment": "describe" }), json!({})).await;
    assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
    let journal = report.journal();
    assert_eq!(journal["experiment"]["extensions"], json!([{ "name": "ours", "id": 7 }]));
    assert_eq!(journal["experiment"]["method"].as_array().map(Vec::len), Some(2));
    assert!(lines(place.path()).contains(&"undo".to_owned()));
}

#[tokio::test]
async fn a_hook_that_hangs_or_dies_in_the_method_is_cut_and_the_rollbacks_are_played() {
    for (deed, verdict) in [("hang", ExperimentVerdict::Failed), ("die", ExperimentVerdict::Completed)] {
        let place = Place::new();
        let does = json!({ "before activity two": deed });
        let report = place.run(does, json!({ "deadline": "3s" })).await;
        assert_eq!(report.verdict, verdict, "{deed}: {report}");
        let log = lines(place.path());
        assert!(log.contains(&"undo".to_owned()), "{deed}: {log:?}");
        assert_eq!(log.contains(&"two".to_owned()), deed == "die", "{deed}: {log:?}");
        assert_eq!(log.last().unwrap(), "cleanup", "{deed}: {log:?}");
    }
}

#[tokio::test]
async fn a_hook_that_hangs_in_the_rollbacks_ends_and_each_rollback_is_played() {
    let place = Place::new();
    let log = |word: &str| format!("echo {word} >>{}/log", place.path().display());
    let rollbacks = [sh("action", "undo", &log("undo")), sh("action", "again", &log("again"))];
    let experiment =
        place.experiment(json!({ "before activity undo": "hang" }), json!({ "rollbacks": rollbacks }));
    let options = RunOptions::default().controls_within(Duration::from_secs(3));
    let lab = Lab::new().journal(MemoryJournal::new()).options(options);
    let report = soon(lab.run(&experiment)).await.unwrap();
    assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
    let log = lines(place.path());
    let at = |what: &str| log.iter().position(|line| line == what);
    assert!(at("undo") < at("again") && at("undo").is_some(), "{log:?}");
    assert_eq!(at("before activity again"), None, "{log:?}");
}

#[tokio::test]
async fn controls_are_declared_everywhere_and_each_is_called_once() {
    let place = Place::new();
    for name in ["top", "own", "all"] {
        fs::copy(place.path().join("hooks.py"), place.path().join(format!("{name}.py"))).unwrap();
    }
    let control = |name: &str| {
        let does = json!({});
        json!({ "name": name, "provider": { "type": "python", "module": name, "arguments": { "does": does } } })
    };
    let settings = json!({
        "controls": { "all": { "provider": control("all")["provider"] } },
        "runtime": { "rollbacks": { "strategy": "never" }, "hypothesis": { "strategy": "skip" } },
    });
    fs::write(place.path().join("settings.yaml"), settings.to_string()).unwrap();
    for name in ["top", "own", "all"] {
        let path = place.path().join(format!("{name}.py"));
        let code = fs::read_to_string(&path).unwrap();
        fs::write(path, code.replace("print(what, file=file)", "print(__name__, what, file=file)")).unwrap();
    }
    let mut step = sh("action", "one", "true");
    step["controls"] = json!([control("own"), { "ref": "low" }]);
    let mut low = control("top");
    low["name"] = "low".into();
    low["automatic"] = false.into();
    low["scope"] = "after".into();
    let document = json!({
        "title": "t", "description": "d", "method": [step], "rollbacks": [sh("action", "undo", "true")],
        "controls": [control("top"), low],
    });
    let options = place.options().settings_file(place.path().join("settings.yaml"));
    let experiment = Experiment::from_document(document, &options).unwrap();
    let report = soon(Lab::new().journal(MemoryJournal::new()).run(&experiment)).await.unwrap();
    assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
    assert!(report.rollbacks.is_empty(), "the strategy of the settings");
    let log = lines(place.path());
    let of_activity: Vec<&str> =
        log.iter().map(String::as_str).filter(|line| line.contains("activity one")).collect();
    assert_eq!(
        of_activity,
        [
            "all before activity one",
            "top before activity one",
            "own before activity one",
            "all after activity one",
            "top after activity one",
            "top after activity one",
            "own after activity one",
        ]
    );
}

#[test]
fn settings_and_controls_that_are_wrong_are_told_by_path() {
    let place = Place::new();
    let path = place.path().join("settings.yaml");
    let told = |settings: &str, options: ReadOptions, controls: Value| {
        fs::write(&path, settings).unwrap();
        let document = json!({ "title": "t", "description": "d", "method": [], "controls": controls });
        let read = Experiment::from_document(document, &options.settings_file(&path));
        let problems = read.err().map(|problems| problems.to_string()).unwrap_or_default();
        problems.replace(&path.display().to_string(), "FILE")
    };
    let both = "controls: {c: {provider: {type: python, module: m, arguments: {token: s3cret-s3cret}}}}\n\
                runtime: {rollbacks: {strategy: allways}}\n";
    let none = json!([]);
    assert_eq!(
        told(both, ReadOptions::default(), none.clone()),
        "FILE: controls.c: a control; expected --python PROGRAM, an interpreter that runs this Python module, or \
         --without-controls\nFILE: runtime.rollbacks.strategy: \"allways\"; expected one of default, always, never, \
         deviated; did you mean \"always\"?"
    );
    let strategies = "runtime: {rollbacks: {strategy: always}}";
    assert_eq!(told(strategies, ReadOptions::default().without_controls(), json!([{ "name": "c" }])), "");
    assert_eq!(told("", ReadOptions::default(), none.clone()), "");
    assert_eq!(
        told("[s3cret-s3cret]", ReadOptions::default(), none),
        "FILE: : a list; expected settings: a mapping"
    );
    let wrong = json!([
        7,
        { "name": "a" },
        { "name": "b", "provider": { "type": "pyton", "module": "m" }, "scope": "befor" },
        { "name": "c", "provider": { "type": "python" }, "automatic": "no" },
        { "ref": "bb" },
        { "provider": { "type": "python", "module": "m", "arguments": [1] } },
    ]);
    let told = told("", ReadOptions::default().python("python3"), wrong);
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        [
            "controls[0]: a number; expected a control: a mapping with name and provider, or with ref",
            "controls[1].provider: missing; expected a mapping with a type",
            "controls[2].scope: \"befor\"; expected before or after",
            "controls[2].provider.type: \"pyton\"; expected python; did you mean \"python\"?",
            "controls[3].automatic: \"no\"; expected true or false",
            "controls[3].provider.module: missing; expected the name of a Python module",
            "controls[4].ref: \"bb\"; expected the name of a control of the experiment; did you mean \"b\"?",
            "controls[5].name: missing; expected a name",
            "controls[5].provider.arguments: no mapping; expected a mapping of names to values",
        ]
    );
    let missing = ReadOptions::default().python("/no/such/python");
    let document = json!({ "title": "t", "description": "d", "method": [] });
    let problems = Experiment::from_document(document, &missing).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "the Python interpreter /no/such/python; expected a program in PATH, or the path of one"
    );
}
