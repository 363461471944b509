use std::{fs, path::Path};

use rustix::{
    fs::{FileType, Mode, mknodat},
    process::Signal,
};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::support::{CHAOS, Watched, command, end, text, within_limit};

fn sh(name: &str, script: &str) -> Value {
    let provider = json!({ "type": "process", "path": "sh", "arguments": ["-c", script] });
    json!({ "type": "action", "name": name, "provider": provider })
}

fn probe(name: &str, script: &str) -> Value {
    let mut probe = sh(name, script);
    probe["type"] = "probe".into();
    probe["tolerance"] = 0.into();
    probe
}

/// Everything in it is relative to the folder of its run.
fn breaks_and_waits() -> Value {
    json!({
        "title": "breaks", "description": "d",
        "steady-state-hypothesis": { "title": "whole", "probes": [probe("whole", "test ! -e broken")] },
        "method": [sh("break", "touch broken; echo began >said; read -r line <go")],
        "rollbacks": [sh("mend", "rm broken"), sh("tell", "pwd >mended")],
    })
}

fn looks(at: &Path) -> Value {
    json!({
        "title": "looks", "description": "d",
        "steady-state-hypothesis": {
            "title": "whole", "probes": [probe("whole", &format!("test ! -e {}/broken", text(at)))],
        },
        "method": [sh("nothing", "true")],
        "rollbacks": [sh("nothing", "true")],
    })
}

/// What a run that was killed has left behind would be what the next one finds, so it is undone first, and where it
/// was.
#[tokio::test]
async fn the_next_run_undoes_what_a_killed_one_has_left_before_it_looks() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in ["said", "go"] {
        mknodat(rustix::fs::CWD, first.path().join(name), FileType::Fifo, Mode::RWXU, 0).unwrap();
    }
    fs::write(first.path().join("e.json"), breaks_and_waits().to_string()).unwrap();
    fs::write(second.path().join("e.json"), looks(first.path()).to_string()).unwrap();
    let journal = first.path().join("chaos.journal");
    let arguments = ["run", "e.json", "--journal", text(&journal)];
    let mut killed = command(CHAOS, arguments);
    let killed = Watched::of({
        killed.current_dir(first.path());
        killed
    });
    let said = first.path().join("said");
    within_limit(spawn_blocking(move || fs::read(said))).await.unwrap().unwrap();
    killed.signal(Signal::KILL);
    assert!(killed.end().await.was_killed());
    assert!(first.path().join("broken").exists());

    let mut again = command(CHAOS, arguments);
    let again = end(again.current_dir(second.path()).spawn().unwrap()).await.with_code(0);
    assert!(again.stdout.contains("looks: completed"), "{}", again.stdout);
    assert!(again.stdout.contains("an earlier run, experiment:breaks/"), "{}", again.stdout);
    assert!(!first.path().join("broken").exists());
    let mended = fs::read_to_string(first.path().join("mended")).unwrap();
    assert_eq!(Path::new(mended.trim()).canonicalize().unwrap(), first.path().canonicalize().unwrap());
}

/// A rollback that fails keeps every later experiment of its journal from beginning, until somebody has undone it.
#[tokio::test]
async fn no_experiment_begins_over_one_that_is_not_undone() {
    let folder = tempfile::tempdir().unwrap();
    let failing = json!({
        "title": "fails", "description": "d", "method": [sh("a", "true")],
        "rollbacks": [sh("first", "exit 3"), sh("second", "echo second >>log")],
    });
    fs::write(folder.path().join("fails.json"), failing.to_string()).unwrap();
    let next = json!({ "title": "next", "description": "d", "method": [sh("a", "echo next >>log")],
        "rollbacks": [sh("back", "true")] });
    fs::write(folder.path().join("next.json"), next.to_string()).unwrap();
    let run = async |arguments: &[&str], code| {
        let arguments = [arguments, &["--journal", "j"]].concat();
        let mut command = command(CHAOS, arguments);
        end(command.current_dir(folder.path()).spawn().unwrap()).await.with_code(code)
    };
    let log = || fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let failed = run(&["run", "fails.json"], 4).await;
    assert!(failed.stdout.contains("first: status 3"), "{}", failed.stdout);
    assert_eq!(log(), "second\n", "the rest is played after one that failed");
    let next = run(&["run", "next.json"], 4).await;
    assert!(next.stdout.contains("so the experiment did not begin"), "{}", next.stdout);
    assert_eq!(log(), "second\nsecond\n");
    // The way out that it names.
    let words = next.stdout.lines().find(|line| line.contains("--mended")).unwrap();
    let fault = words.split(' ').skip_while(|word| *word != "--mended").nth(1).unwrap();
    run(&["recover", "--mended", fault, "--note", "by hand"], 0).await;
    run(&["run", "next.json"], 0).await;
    assert_eq!(log(), "second\nsecond\nnext\n");
}
