//! The questions of a drill to a person on a terminal.

use crate::support::{FleetProgram, terminal::OnTerminal};
use rustix::process::Signal;

#[tokio::test]
async fn it_shows_the_plan_and_asks_how_many_and_whether() {
    let fleet = FleetProgram::start(5).await;
    let before = fleet.processes();
    let state = fleet.state();
    let attached = ["--attach", crate::support::text(&state), "--seed", "42", "--json", "--steady", "20ms"];

    let mut drill = OnTerminal::start(&attached);
    drill.is_asked("How many of the 5? At most 2, 0 stops here. [1]").await;
    assert!(drill.seen.contains("replica-0") && drill.seen.contains("left alone"), "{}", drill.seen);
    assert!(drill.seen.trim_end().ends_with("[1]"), "nothing stands behind the question: {}", drill.seen);
    drill.answers("2").await;
    drill.is_asked("Inject? [y/N]").await;
    assert!(!drill.seen.contains("journal"), "no line is drawn over the questions: {}", drill.seen);
    assert_eq!(drill.seen.matches("terminate into local:").count(), 2, "{}", drill.seen);
    drill.answers("").await;
    let declined = drill.end().await.with_code(3);
    assert_eq!(declined.json()["outcome"], "skipped");

    let mut drill = OnTerminal::start(&attached);
    drill.is_asked("How many").await;
    for (answer, wrong) in
        [("3", "at least half of the 5 members must stay healthy"), ("y", "\"y\" is not a whole number")]
    {
        drill.answers(answer).await;
        drill.is_asked("How many").await;
        assert!(drill.seen.contains(wrong), "{}", drill.seen);
    }
    drill.ends_the_input().await;
    let declined = drill.end().await.with_code(3);
    assert_eq!(declined.json()["outcome"], "skipped");

    let mut drill = OnTerminal::start(&[&attached[..], &["--count", "2"]].concat());
    drill.is_asked("Inject?").await;
    assert!(!drill.seen.contains("How many"), "{}", drill.seen);
    drill.ends_the_input().await;
    drill.end().await.with_code(3);

    let mut drill = OnTerminal::start(&attached);
    drill.is_asked("How many").await;
    drill.interrupt();
    drill.end().await.with_code(5);
    assert_eq!(fleet.processes(), before, "no replica was touched");

    let mut drill = OnTerminal::start(&attached);
    drill.is_asked("How many").await;
    drill.answers("").await;
    drill.is_asked("Inject?").await;
    drill.answers("y").await;
    let done = drill.end().await.with_code(0);
    assert_eq!(done.json()["faults"].as_array().unwrap().len(), 1);
    assert_ne!(fleet.processes(), before);
    fleet.stop().await;
}

#[tokio::test]
async fn no_line_of_a_phase_outlives_a_drill_that_does_not_wait() {
    let fleet = FleetProgram::start(5).await;
    let state = fleet.state();
    // A stopped fleet replaces no replica.
    fleet.signal(Signal::STOP);
    let mut drill =
        OnTerminal::start(&["--attach", crate::support::text(&state), "--yes", "--steady", "20ms"]);
    drill.is_asked("waiting for replica-").await;
    drill.interrupt();
    drill.is_asked("Ctrl-C again").await;
    drill.interrupt();
    let (_, left) = drill.end_with_last_lines().await;
    assert!(left.contains("recover with") && !left.contains("waiting for"), "{left}");
    fleet.signal(Signal::CONT);
    fleet.stop().await;
}

/// The targets of `seen` on the lines with this text, sorted.
fn targets(seen: &str, with: &str) -> Vec<String> {
    let lines = seen.lines().filter(|line| line.contains(with));
    let words = lines.flat_map(|line| line.split([' ', ','])).filter(|word| word.contains("/replica-"));
    let mut targets: Vec<String> = words.map(|word| word.trim().to_owned()).collect();
    targets.sort();
    targets
}

/// The seed that a table of a plan names.
fn seed(seen: &str) -> &str {
    seen.split("(seed ").nth(1).and_then(|rest| rest.split(')').next()).unwrap()
}

#[tokio::test]
async fn what_was_announced_without_a_seed_is_what_is_hit() {
    let fleet = FleetProgram::start(5).await;
    let state = fleet.state();
    let attached = ["--attach", crate::support::text(&state), "--steady", "20ms"];
    for (answer, count) in [("", 1), ("2", 2)] {
        let mut drill = OnTerminal::start(&[&attached[..], &["--json"]].concat());
        drill.is_asked("How many").await;
        let (proposed, seed) = (targets(&drill.seen, "(seed "), seed(&drill.seen).to_owned());
        assert_eq!(proposed.len(), 1, "{}", drill.seen);
        drill.answers(answer).await;
        drill.is_asked("Inject?").await;
        let announced = targets(&drill.seen, "terminate into ");
        assert_eq!(announced.len(), count, "{}", drill.seen);
        if count == 1 {
            assert_eq!(announced, proposed);
        }
        drill.answers("y").await;
        let json = drill.end().await.with_code(0).json();
        let mut hit: Vec<String> = json["faults"].as_array().unwrap().iter().map(target).collect();
        hit.sort();
        assert_eq!(hit, announced, "{json:#}");
        assert_eq!(json["seed"].to_string(), seed, "{json:#}");
    }

    let before = fleet.processes();
    for (answer, and_then) in [("0", None), ("2", Some("n"))] {
        let mut drill = OnTerminal::start(&attached);
        drill.is_asked("How many").await;
        let shown = seed(&drill.seen).to_owned();
        drill.answers(answer).await;
        if let Some(answer) = and_then {
            drill.is_asked("Inject?").await;
            drill.answers(answer).await;
        }
        let declined = drill.end().await.with_code(3);
        assert!(declined.stdout.contains(&format!("--seed {shown} ")), "{shown} is not in {declined:#?}");
        assert!(!declined.stdout.contains("TARGET"), "the plan was shown before: {declined:#?}");
    }
    assert_eq!(fleet.processes(), before, "no replica was touched");
    fleet.stop().await;
}

fn target(fault: &serde_json::Value) -> String {
    fault["target"].as_str().unwrap().to_owned()
}
