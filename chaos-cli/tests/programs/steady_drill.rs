//! A drill that is an experiment: what its arguments call normal decides whether it injects, and how it ends.

use serde_json::Value;

use crate::support::{DRILL, free_ports, run};

const STOP: [&str; 5] = ["--json", "--event", "stop", "--duration", "5s"];

#[tokio::test]
async fn a_hypothesis_that_holds_is_a_success() {
    let drill = run(
        DRILL,
        STOP.into_iter().chain(["--steady-command", "sh -c 'exit 0'", "--hypothesis", "It holds"]),
    );
    let json = drill.await.with_code(0).json();
    assert_eq!(json["outcome"], "completed", "{json:#}");
    let steady = &json["steady_state"];
    assert_eq!((&steady["hypothesis"], &steady["verdict"]), (&"It holds".into(), &"held".into()), "{json:#}");
    assert!(steady["probes"][0]["during"]["met"].as_u64() > Some(0), "{json:#}");
    assert_eq!(steady["probes"][0]["looks_at"], r#"exit status of "sh" "-c" "exit 0""#, "{json:#}");
}

#[tokio::test]
async fn nothing_is_injected_into_a_system_that_is_not_steady() {
    let drill = run(DRILL, STOP.into_iter().chain(["--steady-command", "false"])).await.with_code(3);
    let json = drill.json();
    assert_eq!(
        (&json["outcome"], &json["faults"]),
        (&"skipped".into(), &Value::Array(Vec::new())),
        "{json:#}"
    );
    let reason = &json["plan"]["groups"][0]["targets"][0]["decision"]["reason"];
    assert!(reason.to_string().contains("expected 0"), "{json:#}");
}

/// Every replica is asked, so that the victim is, whichever it is.
#[tokio::test]
async fn a_violation_ends_the_fault_and_has_an_exit_code_of_its_own() {
    let first = free_ports();
    let mut words: Vec<String> = STOP.iter().map(|word| (*word).to_owned()).collect();
    // A hold that would not end before the test is given up.
    words[4] = "10m".to_owned();
    words.extend(["--base-port".to_owned(), first.to_string()]);
    for port in first..first + 5 {
        words.extend(["--steady-http".to_owned(), format!("http://127.0.0.1:{port}/")]);
    }
    let drill = run(DRILL, &words).await.with_code(6);
    let json = drill.json();
    assert_eq!(json["outcome"], "deviated", "{json:#}");
    assert_eq!(json["faults"][0]["cut_short"], "not-steady", "{json:#}");
    assert_eq!(json["faults"][0]["state"], "recovered", "{json:#}");
    assert_eq!(json["group"]["healthy_after"], 5, "{json:#}");
    let steady = &json["steady_state"];
    assert_eq!(steady["verdict"], "deviated", "{json:#}");
    assert!(steady["reasons"][0].to_string().contains("expected from 200 to 299"), "{json:#}");
}

#[tokio::test]
async fn mistakes_are_told_before_anything_starts() {
    for (words, expected) in [
        (
            ["--hypothesis", "It holds"],
            "invalid --hypothesis: \"It holds\"; expected a hypothesis together with --steady-http",
        ),
        (
            ["--steady-http", "127.0.0.1:80"],
            "invalid url of \"http\": \"127.0.0.1:80\"; expected an absolute URL",
        ),
        (["--steady-command", "'true"], "invalid --steady-command: \"'true\"; expected words"),
    ] {
        let drill = run(DRILL, words).await.with_code(2);
        assert!(drill.stderr.contains(expected) && !drill.stderr.contains("fleet"), "{drill:#?}");
    }
}
