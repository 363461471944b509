//! The programs `fleet`, `recover`, `history` and `service`, as processes.

use std::{fs, net::TcpListener};

use crate::support::{
    CHAOS, DRILL, FLEET, FleetProgram, HISTORY, RECOVER, SERVICE, Watched, pending, run, text,
};
use rustix::process::Signal;
use serde_json::json;

#[tokio::test]
async fn bad_input_names_the_field_and_the_value_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| text(&directory.path().join(name)).to_owned();
    fs::write(place("not-a-journal"), "something else\n").unwrap();
    let empty = place("empty.journal");
    chaos_journal::SqlJournal::open(&empty).await.unwrap().close().await.unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (missing, not_a_journal, state) = (place("missing"), place("not-a-journal"), place("fleet"));
    let up = FleetProgram::start(1).await;
    let up_state = up.state();
    let cases: &[(&str, &[&str], &[&str])] = &[
        (HISTORY, &["--journal", &missing], &["--journal: ", &missing]),
        (HISTORY, &["--journal", &not_a_journal], &["--journal: ", &not_a_journal]),
        (HISTORY, &["--journal", &missing, "--since", "long ago"], &["--since", "'long ago'"]),
        (HISTORY, &["--journal", &missing, "--state", "broken"], &["--state", "'broken'"]),
        (HISTORY, &["--journal", &empty, "--group", "web"], &["--group: \"web\"", "local:drill"]),
        (HISTORY, &["--journal", &empty, "--target", "x"], &["--target: \"x\"", "local:drill/replica-0"]),
        (HISTORY, &[], &["--journal"]),
        (RECOVER, &["--journal", &missing], &["--journal: ", &missing]),
        (RECOVER, &["--journal", &not_a_journal], &["--journal: ", &not_a_journal]),
        (RECOVER, &["--journal", &missing, "--mended", "x", "--note", "y"], &["--mended", "'x'"]),
        (RECOVER, &["--journal", &missing, "--mended", "00000000000000ff"], &["--note"]),
        (FLEET, &["--state", &state, "--replicas", "0"], &["replicas: 0"]),
        (FLEET, &["--state", &state, "--replicas", "1", "--base-port", &port], &["port", &port, "in use"]),
        (FLEET, &["--state", &state, "--health", "smile", "--", "sleep"], &["--health", "'smile'"]),
        (FLEET, &["--state", &state, "--", "/missing/program"], &["program", "/missing/program"]),
        (FLEET, &["--state", &not_a_journal], &["state_directory", &not_a_journal]),
        (SERVICE, &["--port", &port], &["--port", &port, "in use"]),
    ];
    for (program, arguments, expected) in cases {
        let ended = run(program, *arguments).await.with_code(2);
        for text in *expected {
            assert!(
                ended.stderr.contains(text),
                "{text:?} is not in the answer to {arguments:?}: {ended:#?}"
            );
        }
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
    let twice = run(FLEET, ["--state", text(&up_state)]).await.with_code(5);
    assert!(twice.stderr.contains(text(&up_state)) && twice.stderr.contains("hint: "), "{twice:#?}");
    assert_eq!(up.healthy().await, 1, "the fleet that is up is left alone");

    assert!(!directory.path().join("missing").exists());
    assert_eq!(fs::read_to_string(not_a_journal).unwrap(), "something else\n");
    up.stop().await;
}

#[tokio::test]
async fn chaos_completes_its_words_and_has_pages_of_a_manual() {
    let completions = run(CHAOS, ["completions", "bash"]).await.with_code(0).stdout;
    assert!(completions.contains("drill") && completions.contains("--dry-run"), "{completions}");
    for (words, expected) in [(&["man"][..], "chaos"), (&["man", "recover"], "recover")] {
        let page = run(CHAOS, words).await.with_code(0).stdout;
        assert!(page.contains(".SH SYNOPSIS") && page.contains(expected), "{page}");
    }
    let unknown = run(CHAOS, ["man", "dril"]).await.with_code(2);
    assert!(unknown.stderr.contains("dril") && unknown.stderr.contains("fleet, recover"), "{unknown:#?}");
    let help = run(CHAOS, ["--help"]).await.with_code(0).stdout;
    assert!(!help.contains("as-service") && help.contains("history"), "{help}");
}

#[tokio::test]
async fn a_fleet_runs_any_command() {
    let command = ["--replicas", "2", "--health", "/health", "--", SERVICE, "--port", "{port}"];
    let fleet = FleetProgram::start_with(&command).await;
    let drill = run(DRILL, fleet.attached(&[])).await.with_code(0);
    assert_eq!(drill.json()["group"], json!({ "desired": 2, "healthy_before": 2, "healthy_after": 2 }));
    fleet.stop().await;
}

#[tokio::test]
async fn a_fault_that_somebody_holds_is_left_alone_unless_all_are_asked_for() {
    let fleet = FleetProgram::start(5).await;
    let path = fleet.place("held.journal");
    let journal = ["--journal", text(&path)];
    let hold = [&journal[..], &["--event", "stop", "--duration", "10m"]].concat();
    let mut drill = Watched::start(DRILL, fleet.attached(&hold));
    drill.says("inject ").await;

    let left = run(RECOVER, [&journal[..], &["--json"]].concat()).await.with_code(0).json();
    assert_eq!((&left["outcome"], &left["faults"]), (&json!("completed"), &json!([])), "{left:#}");
    assert_eq!(left["held"][0]["state"], "active", "{left:#}");
    let said = run(RECOVER, journal).await.with_code(0).stdout;
    assert!(said.contains("nothing to recover") && said.contains("--all"), "{said}");
    assert_eq!(fleet.stopped().len(), 1);

    let taken = run(RECOVER, [&journal[..], &["--all", "--json"]].concat()).await.with_code(0).json();
    assert_eq!(taken["faults"][0]["state"], "recovered", "{taken:#}");
    assert_eq!(taken["held"], json!([]), "{taken:#}");
    assert_eq!((fleet.stopped().len(), fleet.healthy().await), (0, 5));
    drill.signal(Signal::INT);
    drill.end().await.with_code(5);
    fleet.stop().await;
}

#[tokio::test]
async fn a_person_may_say_that_a_target_is_mended() {
    let fleet = FleetProgram::start(5).await;
    let path = fleet.place("mended.journal");
    let journal = ["--journal", text(&path)];
    let crash =
        [&journal[..], &["--event", "stop", "--duration", "500ms", "--crash-at", "after:active"]].concat();
    assert!(run(DRILL, fleet.attached(&crash)).await.was_killed());
    let fault = pending(&path).await[0].id.to_string();
    let mended = ["--mended", &fault, "--note", "kicked the machine"];
    run(RECOVER, [&journal[..], &mended].concat()).await.with_code(0);
    assert!(pending(&path).await.is_empty());
    let history = run(HISTORY, journal).await.with_code(0);
    assert!(history.stdout.contains("declared mended: kicked the machine"), "{history:#?}");
    let unknown = ["--mended", "00000000000000ff", "--note", "x"];
    let unknown = run(RECOVER, [&journal[..], &unknown].concat()).await.with_code(5);
    assert!(unknown.stderr.contains("00000000000000ff"), "{unknown:#?}");
    fleet.stop().await;
}

#[tokio::test]
async fn an_empty_journal_has_no_history_and_nothing_to_recover() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("empty.journal");
    chaos_journal::SqlJournal::open(&path).await.unwrap().close().await.unwrap();
    let before = fs::read(&path).unwrap();
    let history = run(HISTORY, ["--journal", text(&path)]).await.with_code(0);
    assert_eq!(history.stdout, "no faults\n");
    let json = run(HISTORY, ["--journal", text(&path), "--json"]).await.with_code(0);
    assert_eq!(json.json(), json!({ "faults": [] }));
    let recovered = run(RECOVER, ["--journal", text(&path)]).await.with_code(0);
    assert_eq!(recovered.stdout, "nothing to recover\n");
    assert_eq!(fs::read(&path).unwrap(), before);
}
