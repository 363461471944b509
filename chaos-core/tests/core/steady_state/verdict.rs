//! The verdict says no more than the looks have seen.

use std::sync::{Arc, atomic::AtomicUsize};

use chaos_core::{
    Outcome, Tolerance,
    plan::{BlastRadius, Reason},
    steady_state::Look,
};

use serde_json::Value;

use super::{
    trial::{Answer, Trial, hypothesis, seconds},
    victims::SlowToApprove,
};

#[tokio::test(start_paused = true)]
async fn a_doubt_before_a_fault_hides_none_during_it() {
    let trial = Trial::of(&[
        (0.0, Answer::Errs),
        (0.1, Answer::Status(200)),
        (5.1, Answer::Errs),
        (5.3, Answer::Status(200)),
    ]);
    let report = trial.run(trial.steady().violated_when(2, 2), 10).await;
    assert_eq!(report.faults[0].cut_short, None, "one look is not enough: {report}");
    assert_eq!(report.outcome(), Outcome::Inconclusive, "{report}");
    assert!(report.to_string().contains("home page: nobody could look"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_stays_silent_is_a_deviation_even_if_nobody_could_look_before_the_fault() {
    let trial = Trial::of(&[(0.0, Answer::Errs), (0.1, Answer::Status(0))]);
    let steady = hypothesis().must_tell("alarm", trial.service.clone(), 1, seconds(5)).violated_when(2, 2);
    let report = trial.run(steady, 10).await;
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    assert!(report.to_string().contains("alarm: silent, expected 1 within 5s"), "{report}");
}

/// Each fault alone is too short for it.
#[tokio::test(start_paused = true)]
async fn an_alarm_is_not_silent_if_no_fault_lasted_long_enough() {
    let trial = Trial::of(&[(0.0, Answer::Status(0))]);
    let steady = hypothesis().must_tell("alarm", trial.service.clone(), 1, seconds(5));
    let radius = BlastRadius::default().targets_per_run(2).targets_per_group(2);
    let monkey = trial.monkey(steady, 3).blast_radius(radius).concurrency(1).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!((report.faults.len(), report.outcome()), (2, Outcome::Inconclusive), "{report}");
}

#[tokio::test(start_paused = true)]
async fn too_few_looks_for_a_violation_test_nothing_if_one_was_not_met() {
    let held = |script: &'static [(f64, Answer)]| async move {
        let trial = Trial::of(script);
        trial.run(trial.steady().every(seconds(1)).violated_when(5, 5), 3).await
    };
    let broken = held(&[(0.5, Answer::Status(503)), (4.0, Answer::Status(200))]).await;
    assert_eq!(broken.outcome(), Outcome::Inconclusive, "{broken}");
    assert!(broken.to_string().contains("a violation takes 5 of 5"), "{broken}");
    let sound = held(&[]).await;
    assert_eq!(sound.outcome(), Outcome::Completed, "{sound}");
}

/// What is normal is known by then.
#[tokio::test(start_paused = true)]
async fn the_gate_of_a_later_victim_compares_with_what_was_normal() {
    let trial =
        Trial::of(&[(0.0, Answer::Status(100)), (12.0, Answer::Status(500)), (60.0, Answer::Status(100))]);
    let steady = hypothesis().probe("latency", trial.service.clone(), Tolerance::no_more_than_before(1.5));
    let radius = BlastRadius::default().targets_per_run(2).targets_per_group(2);
    let monkey = trial.monkey(steady, 10).blast_radius(radius).concurrency(1);
    let monkey = monkey.observer(SlowToApprove(Arc::clone(&trial.clock), AtomicUsize::new(0)));
    let report = monkey.build().unwrap().run_once().await.unwrap();
    assert_eq!((report.faults.len(), report.skipped.len()), (1, 1), "{report}");
    assert!(
        matches!(&report.skipped[0].reason, Reason::NotSteady { probe, .. } if probe == "latency"),
        "{report}"
    );
}

#[test]
fn a_violation_of_more_looks_than_a_run_makes_is_refused() {
    let of =
        |of| hypothesis().probe("a", chaos_core::probe("a", || async { 7 }), 7).violated_when(1, of).check();
    of(1_000).unwrap();
    let error = of(u32::MAX).unwrap_err().to_string();
    assert!(error.contains("violated_when") && error.contains("4294967295"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_nested_deep_is_judged_and_cut() {
    let deep = || (0..10_000).fold(Value::from(1), |inner, _| Value::from(vec![inner]));
    let trial = Trial::of(&[]);
    let steady = hypothesis().probe("deep", chaos_core::probe("a page", move || async move { deep() }), 1);
    let report = trial.run(steady, 10).await;
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    assert!(report.to_string().contains("[[[…, expected 1"), "{report}");
}

/// However the other one would judge, they are not all met.
#[test]
fn of_several_tolerances_one_that_is_not_met_outweighs_one_that_nobody_can_judge() {
    let broken = || Tolerance::by("anything", |_| panic!("the tolerance is broken"));
    for all in [[broken(), Tolerance::is(1)], [Tolerance::is(1), broken()]] {
        let all = Tolerance::all(all);
        assert_eq!(all.judge(&Look::of(&Value::from(2))).unwrap_err(), "2, expected 1");
        assert!(all.judge(&Look::of(&Value::from(1))).unwrap_err().contains("panicked"));
    }
}
