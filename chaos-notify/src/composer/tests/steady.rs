//! Messages about the steady state of a run.

use std::collections::BTreeSet;

use chaos_core::{monkey::RunId, steady_state::Phase};

use super::*;

const HYPOTHESIS: &str = "If one machine is off, then every customer is served";

fn tried(run: &str) -> Intended {
    let mut intended = intended();
    intended.run = Some(run.parse().unwrap());
    intended.hypothesis = Some(HYPOTHESIS.to_owned());
    intended
}

/// A composer that has announced a fault of the run that the activities are about.
fn trying() -> Composer {
    let mut composer = new();
    composer.announce(at(0), &tried("0000000000000001"));
    composer
}

fn violated(phase: Phase, probe: &str) -> Activity {
    told!("steady-state-violated", phase: phase, probe: probe, why: "503, expected 200")
}

fn ended(outcome: Outcome) -> Activity {
    told!("run-ended", outcome: outcome, why: ["home page: 503, expected 200", "alarm: silent"])
}

#[test]
fn an_announcement_says_what_is_tried() {
    let message = new().announce(at(0), &tried("0000000000000001"));
    assert_says(&message, &["Hypothesis: If one machine is off, then every customer is served\n"]);
    let without = new().announce(at(0), &intended());
    assert!(!without.body.contains("Hypothesis"), "{}", without.body);
}

#[test]
fn a_violation_during_a_fault_is_told_and_one_before_it_is_a_reason() {
    let mut composer = trying();
    assert_eq!(composer.compose(at(1), &violated(Phase::Before, "home page")), None);
    let message = composer.compose(at(2), &violated(Phase::During, "home page")).unwrap();
    assert_eq!((message.kind, message.fault), (Kind::SteadyStateViolated, None));
    assert_eq!(message.run, Some("0000000000000001".parse::<RunId>().unwrap()));
    assert_eq!(message.subject, "Chaos: NOT STEADY: home page");
    assert_says(
        &message,
        &[
            "The system is not steady during a fault.\n",
            "Probe: home page\n",
            "Found: 503, expected 200\n",
            "Hypothesis: If one machine is off, then every customer is served\n",
            "Run: 0000000000000001\n",
            "When: 2026-03-02 09:00:02 UTC\n",
            "You are told how each of them ends.\n",
        ],
    );
}

#[test]
fn each_probe_and_phase_has_an_id_of_its_own_that_is_the_same_for_each_attempt() {
    let mut ids = BTreeSet::new();
    for (phase, probe) in [
        (Phase::During, "home page"),
        (Phase::During, "home pag\u{65}\u{301}"),
        (Phase::During, ""),
        (Phase::After, "home page"),
        (Phase::After, ""),
    ] {
        let message = trying().compose(at(2), &violated(phase, probe)).unwrap();
        let again = trying().compose(at(2), &violated(phase, probe)).unwrap();
        assert_eq!(message.id(), again.id());
        assert!(message.id().is_ascii() && message.id().len() <= 128, "{}", message.id());
        assert!(ids.insert(message.id()), "{} is there twice", message.id());
    }
    let other_run = activity(serde_json::json!({
        "activity": "steady-state-violated", "run": "0000000000000002", "phase": "during", "probe": "home page",
        "why": "503, expected 200",
    }));
    assert!(ids.insert(trying().compose(at(2), &other_run).unwrap().id()));
    // A service remembers it, so it is the same after an update too.
    let message = trying().compose(at(2), &violated(Phase::During, "home page")).unwrap();
    assert_eq!(
        message.id(),
        "run-0000000000000001-942337ea81d374b3-steady-state-violated-1772442002000000000"
    );
}

#[test]
fn steady_again_is_told_if_people_were_told_that_it_was_not() {
    let again = told!("steady-again", time_to_settle: 0.8);
    let mut composer = trying();
    assert_eq!(composer.compose(at(66), &again), None);
    composer.compose(at(2), &violated(Phase::During, "home page")).unwrap();
    let message = composer.compose(at(66), &again).unwrap();
    assert_eq!(message.kind, Kind::SteadyAgain);
    assert_eq!(message.subject, "Chaos: the system is steady again, 800 ms after the last recovery");
    assert_says(&message, &["Hypothesis: If one machine", "When: 2026-03-02 09:01:06 UTC\n"]);

    let message = composer
        .compose(at(126), &told!("not-steady-again", why: "home page: 503, still 60s after the recovery"))
        .unwrap();
    assert_eq!(message.kind, Kind::NotSteadyAgain);
    assert_eq!(message.subject, "CHAOS: the system is NOT SEEN TO BE STEADY AGAIN");
    assert_says(&message, &["look at it yourself", "Why: home page: 503, still 60s after the recovery\n"]);
}

#[test]
fn a_hypothesis_that_was_wrong_or_not_tested_is_told_with_every_reason() {
    for (outcome, kind, subject) in [
        (Outcome::Deviated, Kind::Deviated, "Chaos: deviated: the hypothesis was wrong"),
        (Outcome::Inconclusive, Kind::Inconclusive, "Chaos: inconclusive: the hypothesis was not tested"),
    ] {
        let mut composer = trying();
        let message = composer.compose(at(70), &ended(outcome)).unwrap();
        assert_eq!((message.kind, message.subject.as_str()), (kind, subject));
        assert_says(
            &message,
            &[
                "Everything that it injected is recovered.\n",
                "Hypothesis: If one machine",
                "Why: home page: 503, expected 200\nWhy: alarm: silent\n",
            ],
        );
        let message = composer.compose(at(71), &ended(outcome)).unwrap();
        assert!(!message.body.contains("Hypothesis"), "a run that ended is forgotten: {}", message.body);
    }
    for outcome in [Outcome::Completed, Outcome::CutShort, Outcome::NoEffect, Outcome::Failed] {
        assert_eq!(trying().compose(at(70), &ended(outcome)), None, "{outcome}");
    }
}

#[test]
fn what_a_probe_found_forges_nothing() {
    let found = "503\n\nHOW TO UNDO IT BY HAND\n    rm -rf /\u{1b}[2J";
    let hostile = told!("steady-state-violated", phase: Phase::During, probe: "a\nWhen: never", why: found);
    let message = trying().compose(at(2), &hostile).unwrap();
    assert_says(
        &message,
        &["Probe: a When: never\n", "Found: 503  HOW TO UNDO IT BY HAND     rm -rf /\\u{1b}[2J\n"],
    );
    let long = told!("not-steady-again", why: "x".repeat(1 << 20));
    let message = trying().compose(at(2), &long).unwrap();
    assert!(message.body.len() < 200 * 1024 && message.body.contains("[cut off here]"));
}

#[test]
fn however_many_runs_there_are_what_happens_to_each_is_told() {
    let mut composer = new();
    for run in 0..1_000 {
        composer.announce(at(0), &tried(&format!("{run:016x}")));
    }
    for (run, is_known) in [(1, false), (999, true)] {
        let activity = |name: &str| {
            activity(serde_json::json!({
                "activity": name, "run": format!("{run:016x}"), "phase": "during", "probe": "home page",
                "why": "503, expected 200",
            }))
        };
        for name in ["steady-state-violated", "steady-again", "not-steady-again"] {
            let message = composer.compose(at(1), &activity(name)).unwrap();
            assert_eq!(message.kind.as_str(), name);
            assert_eq!(message.body.contains("Hypothesis: "), is_known, "{}", message.body);
        }
    }
}
