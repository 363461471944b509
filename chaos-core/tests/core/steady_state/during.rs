//! The watch while a fault is in effect, and what ends a hold.

use std::time::Duration;

use chaos_core::{
    Hold, Outcome, RunReport, TargetId,
    clock::Clock,
    fault::{CutShort, FaultState},
    group::GroupId,
    observer::Activity,
    steady_state::{GroupHealth, Phase, SteadyStateVerdict},
    testing::PowerOff,
};

use super::trial::{Answer, Trial, held_for, hypothesis, seconds};

#[tokio::test(start_paused = true)]
async fn a_hypothesis_that_holds_is_completed() {
    let trial = Trial::of(&[]);
    let report = trial.run(trial.steady(), 10).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    let steady = report.steady_state.clone().unwrap();
    assert_eq!(steady.verdict, SteadyStateVerdict::Held);
    assert_eq!((steady.unsteady_since, steady.time_to_settle()), (None, Some(Duration::ZERO)));
    let probe = steady.probe("home page").unwrap();
    // One for the plan and one before the injection; one at each step of the hold; one after it.
    assert_eq!(probe.before.met, 2, "{report}");
    assert!((50..=52).contains(&probe.during.met), "{report}");
    assert_eq!(probe.after.met, 1, "{report}");
    let share = probe.during.share.unwrap();
    assert!(share.low > 0.9 && share.value == 1.0, "{share:?}");
    assert_eq!(probe.during.numbers.unwrap().median.value, 200.0);
    assert_eq!(trial.told(), ["steady-state-met", "steady-state-met", "steady-state-met", "steady-again"]);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<RunReport>(&json).unwrap(), report);
}

#[tokio::test(start_paused = true)]
async fn a_violation_ends_the_hold_and_the_report_says_when_and_why() {
    let trial = Trial::of(&[(1.15, Answer::Status(503)), (2.0, Answer::Status(200))]);
    let report = trial.run(trial.steady(), 10).await;
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    let fault = &report.faults[0];
    assert_eq!((fault.cut_short, fault.failure.clone()), (Some(CutShort::NotSteady), None), "{report}");
    assert!((1.15..1.5).contains(&held_for(fault)), "{report}");
    let note = fault.note.as_deref().unwrap();
    assert!(note.contains("home page: 503, expected 200, 1.2 s after the injection"), "{note}");
    let steady = report.steady_state.clone().unwrap();
    assert_eq!(steady.time_to_deviate(), Some(Duration::from_millis(1_200)), "{report}");
    let settle = steady.time_to_settle().unwrap();
    assert!((0.5..0.9).contains(&settle.as_secs_f64()), "{settle:?}");
    let said = report.to_string();
    let expected = "deviated: home page: 503, expected 200, first 1.2 s after the injection; cut short after \
                    1.2 s of 10; steady again 0.";
    assert!(said.contains(expected), "{said}");
    let violated = steady.probe("home page").unwrap().first_violation.clone().unwrap();
    assert_eq!((violated.phase, violated.value.as_deref()), (Phase::During, Some("503")));
    assert_eq!(
        trial.told(),
        ["steady-state-met", "steady-state-met", "steady-state-violated", "steady-state-met", "steady-again"]
    );
    let activity = trial.told.lock().unwrap().clone();
    let cut = activity
        .iter()
        .any(|activity| matches!(activity, Activity::HoldEnded { cut_short: Some(CutShort::NotSteady), .. }));
    assert!(cut, "{activity:?}");
    let last = activity.last().unwrap();
    assert!(
        matches!(last, Activity::RunEnded { outcome: Outcome::Deviated, why, .. } if *why == steady.reasons),
        "{last:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_cannot_look_any_more_cuts_the_hold_short_and_tests_nothing() {
    for (answer, within) in [(Answer::Errs, 1.4), (Answer::Panics, 1.4), (Answer::Hangs, 6.5)] {
        let trial = Trial::of(&[(1.0, answer), (7.0, Answer::Status(200))]);
        let report = trial.run(trial.steady(), 60).await;
        assert_eq!(report.outcome(), Outcome::Inconclusive, "{report}");
        let fault = &report.faults[0];
        assert_eq!((fault.cut_short, &fault.failure), (Some(CutShort::InDoubt), &None), "{report}");
        assert!(held_for(fault) < within, "{answer:?}: {report}");
        assert!(report.steady_state.as_ref().unwrap().reasons[0].contains("nobody could look"), "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_observed_violation_is_a_deviation_and_the_hold_goes_on() {
    let trial = Trial::of(&[(1.0, Answer::Status(503)), (2.0, Answer::Status(200))]);
    let steady = hypothesis().observe("home page", trial.service.clone(), 200);
    let report = trial.run(steady, 10).await;
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    assert_eq!(report.faults[0].cut_short, None, "{report}");
    assert_eq!(report.steady_state.as_ref().unwrap().probes[0].during.violated, 5, "{report}");
}

#[tokio::test(start_paused = true)]
async fn as_many_looks_as_are_asked_for_make_a_violation() {
    // The looks before the injection take 0.8 seconds: three for the plan and three for the victim.
    let flapping = [(2.0, Answer::Status(503)), (2.3, Answer::Status(200)), (3.0, Answer::Status(503))];
    let trial = Trial::of(&flapping);
    let report = trial.run(trial.steady().violated_when(3, 5).again_within(seconds(1)), 10).await;
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    assert!((2.1..2.7).contains(&held_for(&report.faults[0])), "{report}");
    let trial = Trial::of(&[(1.0, Answer::Status(503)), (1.3, Answer::Status(200))]);
    let report = trial.run(trial.steady().violated_when(3, 3), 10).await;
    assert_eq!(report.outcome(), Outcome::Completed, "two in a row are no three: {report}");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_tells_in_time_or_too_late_or_never() {
    let alarm = |at: f64, hold: u64| async move {
        let trial = Trial::of(&[(at, Answer::Status(1))]);
        let steady = hypothesis().must_tell("alarm", trial.service.clone(), 1, seconds(5));
        trial.run(steady, hold).await
    };
    let told = alarm(2.0, 10).await;
    assert_eq!(told.outcome(), Outcome::Completed, "{told}");
    let after = told.steady_state.as_ref().unwrap().probes[0].told_after.unwrap().as_secs_f64();
    assert!((2.0..2.3).contains(&after), "{after}");
    let late = alarm(7.0, 10).await;
    assert_eq!(late.outcome(), Outcome::Deviated, "{late}");
    assert_eq!(late.faults[0].cut_short, None, "silence cuts nothing: {late}");
    assert!(late.to_string().contains("alarm: told after 7.0 s, later than 5s"), "{late}");
    let never = alarm(70.0, 10).await;
    assert_eq!(never.outcome(), Outcome::Deviated, "{never}");
    assert!(never.to_string().contains("alarm: silent, expected 1 within 5s of the injection"), "{never}");
    let short = alarm(70.0, 3).await;
    assert_eq!(short.outcome(), Outcome::Inconclusive, "it had no time to tell: {short}");
    let already = alarm(0.0, 10).await;
    assert_eq!(already.outcome(), Outcome::Skipped, "{already}");
    assert!(already.to_string().contains("it is 1 already, before the fault"), "{already}");
}

/// The future is kept, and nobody polls it after the injection.
#[tokio::test(start_paused = true)]
async fn a_run_whose_future_nobody_polls_is_cut_short_all_the_same() {
    let trial = Trial::of(&[(1.0, Answer::Status(503))]);
    let monkey = trial.monkey(trial.steady(), 1_000).build().unwrap();
    let mut run = Box::pin(monkey.run_once());
    let until_active = crate::support::until_state(&trial.journal, FaultState::Active);
    tokio::select! {
        biased;
        () = until_active => {}
        _ = &mut run => panic!("the run ended"),
    }
    trial.clock.sleep(seconds(5)).await;
    trial.assert_whole().await;
    let report = run.await.unwrap();
    assert_eq!(
        (report.outcome(), report.faults[0].cut_short),
        (Outcome::Deviated, Some(CutShort::NotSteady))
    );
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_ends_early_for_another_reason_tests_nothing() {
    let trial = Trial::of(&[]);
    let monkey = trial.monkey(trial.steady(), 1_000).build().unwrap();
    let running = {
        let monkey = monkey.clone();
        tokio::spawn(async move { monkey.run_once().await.unwrap() })
    };
    crate::support::until_state(&trial.journal, FaultState::Active).await;
    trial.clock.sleep(seconds(3)).await;
    monkey.halt("a deployment").await.unwrap();
    let report = running.await.unwrap();
    assert_eq!(report.outcome(), Outcome::Inconclusive, "{report}");
    assert!(report.to_string().contains("the hold ended before its time: everything is halted"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn what_the_fault_breaks_by_definition_is_asked_outside_of_it() {
    let trial = Trial::of(&[]);
    let web: GroupId = "memory:web".parse().unwrap();
    let all = GroupHealth::count(trial.world.clone(), web.clone());
    let most = GroupHealth::share(trial.world.clone(), web);
    let steady = hypothesis().probe_in([Phase::Before, Phase::After], "all", all.clone(), 5).probe(
        "most",
        most,
        0.8..,
    );
    let report = trial.run(steady, 10).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    let during = report.steady_state.as_ref().unwrap().probe("most").unwrap().during.clone();
    assert_eq!(during.numbers.unwrap().median.value, 0.8, "one of five is off");
    let report = trial.run(hypothesis().probe("all", all, 5), 10).await;
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_tolerance_may_be_measured_by_what_was_normal() {
    let trial =
        Trial::of(&[(0.0, Answer::Status(100)), (2.0, Answer::Status(149)), (4.0, Answer::Status(151))]);
    let steady = hypothesis().again_within(seconds(1)).probe(
        "latency",
        trial.service.clone(),
        chaos_core::Tolerance::no_more_than_before(1.5),
    );
    let report = trial.run(steady, 10).await;
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    assert!((4.0..4.5).contains(&held_for(&report.faults[0])), "{report}");
    let why = &report.steady_state.as_ref().unwrap().reasons[0];
    assert!(
        why.contains("151, expected at most 1.5 times the median before the injection, which is 100"),
        "{why}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_injection_that_was_asked_for_looks_too() {
    let trial = Trial::of(&[(0.5, Answer::Status(503)), (3.0, Answer::Status(200))]);
    let monkey = trial.monkey(trial.steady(), 10).build().unwrap();
    let target: TargetId = "memory:web/machine-1".parse().unwrap();
    let report =
        monkey.inject(PowerOff::lasting(Hold::lasting(seconds(10)).unwrap()), &target).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
}
