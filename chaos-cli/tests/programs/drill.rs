//! The program `drill`, end to end.

use std::{fs, net::TcpListener, path::Path};

use crate::support::{
    DRILL, Ended, FleetProgram, HISTORY, RECOVER, Watched, command, end, free_ports, pending, run, text,
};
use chaos_core::{Journal, fault::FaultState, journal::Halt};
use chaos_journal::SqlJournal;
use rustix::process::Signal;
use serde_json::{Value, json};

fn chosen(drill: &Ended) -> Vec<String> {
    let json = drill.json();
    let groups = json["plan"]["groups"].as_array().unwrap().clone();
    let targets = groups.iter().flat_map(|group| group["targets"].as_array().unwrap());
    targets
        .filter(|target| target["decision"]["decision"] == "chosen")
        .map(|target| target["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn its_own_fleet_loses_a_replica_and_heals() {
    let first_port = free_ports();
    let drill =
        run(DRILL, ["--json", "--seed", "42", "--base-port", &first_port.to_string()]).await.with_code(0);
    let json = drill.json();
    assert_eq!(json["outcome"], "completed", "{json:#}");
    assert_eq!(json["seed"], 42);
    assert_eq!(json["group"], json!({ "desired": 5, "healthy_before": 5, "healthy_after": 5 }));
    let faults = json["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0]["target"], "local:drill/replica-0");
    assert_eq!(faults[0]["event"], "terminate");
    assert_eq!(faults[0]["state"], "recovered");
    assert!(faults[0]["time_to_recover_ms"].as_u64().unwrap() < 15_000, "{json:#}");
    assert!(faults[0]["injected_at"].as_str() < faults[0]["recovered_at"].as_str(), "{json:#}");
    // Two seconds of steady state at 200 a second, on a busy machine.
    let (requests, failed) = (json["clients"]["requests"].as_u64(), json["clients"]["failed"].as_u64());
    assert!(requests > Some(100) && failed < requests, "{json:#}");
    for port in first_port..first_port + 5 {
        TcpListener::bind(("127.0.0.1", port)).expect("the fleet is gone and its ports are free");
    }
}

#[tokio::test]
async fn a_person_reads_phases_and_a_table() {
    let drill = run(DRILL, ["--event", "stop", "--duration", "3s", "--seed", "7"]).await.with_code(0);
    for text in [
        "VICTIM",
        "HELD",
        "\nseed     7\n",
        "TIME TO DETECT",
        "TIME TO RECOVER",
        "local:drill\n",
        "\nreplica-",
        "requests sent",
        "failed",
    ] {
        assert!(drill.stdout.contains(text), "{text:?} is not in {drill:#?}");
    }
    assert!(drill.stdout.contains("cargo drill --event stop --duration 3s --seed 7"), "{drill:#?}");
    assert!(drill.stdout.lines().all(|line| line.chars().count() <= 80), "{drill:#?}");
    // Every fifth of the requests in the hold went to the replica that hung.
    let failed =
        drill.stdout.split(" requests sent, ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!(failed.parse::<u32>().unwrap() > 0, "{drill:#?}");
    let phases = ["fleet ", "plan ", "inject ", "hold ", "recover ", "clients "]
        .map(|phase| drill.stderr.find(phase).unwrap_or_else(|| panic!("{phase:?} is not in {drill:#?}")));
    assert!(phases.is_sorted(), "{drill:#?}");
}

#[tokio::test]
async fn a_dry_run_names_the_same_victims_every_time_and_makes_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("dry.journal");
    for _ in 0..2 {
        let drill = run(DRILL, ["--dry-run", "--seed", "42", "--json", "--journal", text(&journal)])
            .await
            .with_code(0);
        assert_eq!(chosen(&drill), ["local:drill/replica-0"], "on every machine");
        let json = drill.json();
        assert_eq!((&json["outcome"], &json["faults"]), (&json!("dry-run"), &json!([])));
    }
    let two = run(DRILL, ["--dry-run", "--seed", "42", "--json", "--count", "2"]).await.with_code(0);
    assert_eq!(chosen(&two).len(), 2);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn bad_input_names_the_field_and_the_value_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let not_a_journal = directory.path().join("not-a-journal");
    fs::write(&not_a_journal, "something else\n").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    let cases: &[(&[&str], &[&str])] = &[
        (&["--seed", "forty-two"], &["--seed", "'forty-two'", "from 0 to 18446744073709551615"]),
        (&["--count", "99"], &["--count: 99", "from 1 to 2"]),
        (&["--count", "0"], &["--count: 0"]),
        (&["--base-port", &taken], &["--base-port", &taken, "in use"]),
        (&["--provider", "moon"], &["--provider", "'moon'"]),
        (&["--group", "web"], &["--group: \"web\"", "local:drill"]),
        (&["--event", "explode"], &["--event", "'explode'", "terminate"]),
        (&["--duration", "5s"], &["--duration: 5s", "terminate"]),
        (&["--event", "reboot", "--duration", "5s"], &["--duration: 5s", "reboot"]),
        (&["--event", "stop", "--duration", "soon"], &["--duration", "'soon'"]),
        (&["--event", "stop", "--duration", "13h"], &["--duration: 13h", "at most 12 hours"]),
        (&["--journal", "not-a-journal"], &["--journal: \"not-a-journal\""]),
        (&["--journal", "missing/x.journal"], &["--journal: \"missing/x.journal\""]),
        (&["--attach", "missing"], &["--attach: \"missing\"", "hint: "]),
    ];
    for (arguments, expected) in cases {
        let drill = command(DRILL, *arguments).current_dir(directory.path()).spawn().unwrap();
        let drill = end(drill).await.with_code(2);
        for text in *expected {
            assert!(
                drill.stderr.contains(text),
                "{text:?} is not in the answer to {arguments:?}: {drill:#?}"
            );
        }
        assert_eq!(drill.stdout, "", "{arguments:?}");
        for doubled in ["state_directory", "expected a journal"] {
            assert!(!drill.stderr.contains(doubled), "{drill:#?}");
        }
        let needs_no_fleet = arguments[0] != "--base-port";
        assert!(!(needs_no_fleet && drill.stderr.contains("replicas healthy")), "{drill:#?}");
    }
    let names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["not-a-journal"]);
    assert_eq!(fs::read_to_string(&not_a_journal).unwrap(), "something else\n");
}

#[tokio::test]
async fn a_drill_on_another_fleet_needs_a_yes() {
    let fleet = FleetProgram::start(5).await;
    let before = fleet.processes();
    let state = fleet.state();
    let drill = run(DRILL, ["--attach", text(&state), "--json"]).await.with_code(2);
    assert!(drill.stderr.contains("--yes"), "{drill:#?}");
    assert_eq!(drill.stdout, "");
    run(DRILL, ["--attach", text(&state), "--dry-run"]).await.with_code(0);
    for (field, value) in [("--count", "99"), ("--group", "web")] {
        let drill = run(DRILL, fleet.attached(&[field, value])).await.with_code(2);
        assert!(drill.stderr.contains(field) && drill.stderr.contains(value), "{drill:#?}");
    }
    assert_eq!(fleet.processes(), before, "no replica was touched");

    let drill = run(DRILL, fleet.attached(&["--group", "fleet"])).await.with_code(0);
    assert_eq!(drill.json()["faults"][0]["state"], "recovered");
    assert_ne!(fleet.processes(), before);
    assert!(pending(&state.join("chaos.journal")).await.is_empty(), "its journal is beside its state");
    fleet.stop().await;
}

#[tokio::test]
async fn a_halt_skips_with_its_own_exit_code() {
    let fleet = FleetProgram::start(5).await;
    let path = fleet.place("halted.journal");
    let journal = SqlJournal::open(&path).await.unwrap();
    journal.set_halt(Some(Halt::new("the game is over", jiff::Timestamp::UNIX_EPOCH))).await.unwrap();
    let before = fleet.processes();
    let drill = run(DRILL, fleet.attached(&["--journal", text(&path)])).await.with_code(3);
    let json = drill.json();
    assert_eq!((&json["outcome"], &json["faults"]), (&json!("skipped"), &json!([])), "{json:#}");
    assert_eq!(json["plan"]["refused"]["reason"], "the game is over", "{json:#}");
    assert_eq!(fleet.processes(), before);
    fleet.stop().await;
}

#[tokio::test]
async fn a_recovery_that_fails_has_its_own_exit_code() {
    let fleet = FleetProgram::start(5).await;
    let path = fleet.place("failed.journal");
    // A stopped fleet replaces no replica.
    fleet.signal(Signal::STOP);
    let budget = ["--recovery-budget", "300ms", "--journal", text(&path)];
    let drill = run(DRILL, fleet.attached(&budget)).await.with_code(4);
    let json = drill.json();
    assert_eq!(json["outcome"], "failed", "{json:#}");
    assert_eq!(json["faults"][0]["state"], "recovery-failed", "{json:#}");
    assert_eq!((&json["group"]["healthy_before"], &json["group"]["healthy_after"]), (&json!(5), &json!(4)));
    assert!(drill.stderr.contains("IS NOT BACK"), "{drill:#?}");
    assert!(drill.stderr.contains("by hand Nothing brings "), "{drill:#?}");
    fleet.signal(Signal::CONT);
    fleet.stop().await;
}

#[tokio::test]
async fn ctrl_c_recovers_and_a_second_one_says_how_to() {
    let fleet = FleetProgram::start(5).await;
    let path = fleet.place("interrupted.journal");
    let journal = ["--journal", text(&path)];

    let hold = [&journal[..], &["--event", "stop", "--duration", "10m"]].concat();
    let mut drill = Watched::start(DRILL, fleet.attached(&hold));
    drill.says("inject ").await;
    assert_eq!(fleet.stopped().len(), 1);
    drill.signal(Signal::INT);
    let drill = drill.end().await.with_code(5);
    assert_eq!(drill.json()["outcome"], "failed", "{drill:#?}");
    assert_eq!(drill.json()["faults"][0]["state"], "recovered", "{drill:#?}");
    assert_eq!((fleet.stopped().len(), fleet.healthy().await), (0, 5));

    let state = fleet.state();
    let again = ["--event", "stop", "--duration", "10m", "--seed", "7", "--attach", text(&state)];
    let again = [&again[..], &journal].concat();
    let mut drill = Watched::start(DRILL, [&again[..], &["--yes"]].concat());
    drill.says("inject ").await;
    drill.signal(Signal::INT);
    let drill = drill.end().await.with_code(5);
    for text in [
        "outcome  interrupted: everything that was injected is back",
        &format!("cargo drill {}", again.join(" ")),
    ] {
        assert!(drill.stdout.contains(text), "{text:?} is not in {drill:#?}");
    }
    assert!(drill.stderr.contains(&format!("journal {}", text(&path))), "{drill:#?}");

    // A recovery that takes its time, because a stopped fleet replaces no replica.
    fleet.signal(Signal::STOP);
    let mut drill = Watched::start(DRILL, fleet.attached(&journal));
    drill.says("inject ").await;
    drill.signal(Signal::TERM);
    drill.says("Ctrl-C again").await;
    drill.signal(Signal::INT);
    let drill = drill.end().await.with_code(4);
    let left = pending(&path).await;
    assert_eq!(left.len(), 1);
    for text in
        [&left[0].id.to_string(), left[0].target.as_str(), &format!("recover --journal {}", text(&path))]
    {
        assert!(drill.stderr.contains(text), "{text:?} is not in {drill:#?}");
    }
    fleet.signal(Signal::CONT);
    run(RECOVER, journal).await.with_code(0);
    assert_eq!(fleet.healthy().await, 5);
    fleet.stop().await;
}

#[tokio::test]
async fn the_next_drill_recovers_what_a_killed_one_has_left() {
    let fleet = FleetProgram::start(5).await;
    let path = fleet.place("next.journal");
    let journal = ["--journal", text(&path)];
    let hold =
        [&journal[..], &["--event", "stop", "--duration", "10m", "--crash-at", "after:active"]].concat();
    assert!(run(DRILL, fleet.attached(&hold)).await.was_killed());
    assert_eq!(fleet.stopped().len(), 1);
    let left = run(HISTORY, journal).await.with_code(0).stdout;
    let recover = format!("recover --journal {}", text(&path));
    for text in ["PENDING: no live process holds it", &recover, " by hand: Start local:"] {
        assert!(left.contains(text), "{text:?} is not in {left}");
    }
    let planned = run(DRILL, fleet.attached(&[&journal[..], &["--dry-run"]].concat())).await.with_code(0);
    assert!(planned.stderr.contains("pending 1 of the faults in the journal"), "{planned:#?}");
    assert_eq!(fleet.stopped().len(), 1, "a plan recovers nothing");
    let drill = run(DRILL, fleet.attached(&[&journal[..], &["--count", "2"]].concat())).await.with_code(0);
    let events: Vec<Value> =
        drill.json()["faults"].as_array().unwrap().iter().map(|fault| fault["event"].clone()).collect();
    assert_eq!(events, ["stop", "terminate", "terminate"]);
    assert_eq!((fleet.stopped().len(), fleet.healthy().await), (0, 5));
    history(&path).await;
    fleet.stop().await;
}

/// The journal of the test above, through `history`.
async fn history(journal: &Path) {
    let all = run(HISTORY, ["--journal", text(journal), "--json"]).await.with_code(0);
    let faults = all.json()["faults"].as_array().unwrap().clone();
    assert_eq!(faults.len(), 3);
    let table = run(HISTORY, ["--journal", text(journal)]).await.with_code(0);
    assert!(!table.stdout.contains("PENDING"), "{table:#?}");
    assert_eq!(table.stdout.lines().count(), 4, "{table:#?}");
    let target = faults[0]["target"].as_str().unwrap();
    let group = faults[0]["group"].as_str().unwrap();
    let last_part = |id: &str| id.rsplit('/').next().unwrap().to_owned();
    let (group_name, target_name) = (last_part(group), last_part(target));
    for (arguments, found) in [
        (["--event", "stop"], 1),
        (["--event", "reboot"], 0),
        (["--state", "recovered"], 3),
        (["--state", "active"], 0),
        (["--limit", "2"], 2),
        (["--group", group], 3),
        (["--group", &group_name], 3),
        (["--group", group.strip_prefix("local:").unwrap()], 3),
        (["--group", "local:elsewhere"], 0),
        (["--since", "10m"], 3),
        (["--since", "2100-01-01T00:00:00Z"], 0),
        (["--target", &target_name], faults.iter().filter(|fault| fault["target"] == target).count()),
        (["--target", target], faults.iter().filter(|fault| fault["target"] == target).count()),
    ] {
        let some = run(HISTORY, [&["--journal", text(journal), "--json"], &arguments[..]].concat())
            .await
            .with_code(0);
        assert_eq!(some.json()["faults"].as_array().unwrap().len(), found, "{arguments:?}");
    }
    let misspelt = run(HISTORY, ["--journal", text(journal), "--event", "stopp"]).await.with_code(0);
    assert_eq!(misspelt.stdout, "no faults match; the journal holds: 3, of stop, terminate\n");
    assert_eq!(
        serde_json::from_value::<FaultState>(faults[0]["state"].clone()).unwrap(),
        FaultState::Recovered
    );
}
