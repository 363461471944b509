//! The looks after the last recovery.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    Outcome,
    clock::Clock,
    probe,
    steady_state::{Phase, Probe},
};

use super::trial::{Answer, Trial, hypothesis, seconds};

#[tokio::test(start_paused = true)]
async fn a_system_that_is_not_steady_again_in_time_deviates() {
    let trial = Trial::of(&[(10.5, Answer::Status(503))]);
    let steady =
        hypothesis().probe_in([Phase::Before, Phase::After], "home page", trial.service.clone(), 200);
    // The fault itself breaks nothing that is looked at; the system breaks a little later.
    let steady = steady.settled(20).again_within(seconds(30));
    let report = trial.run(steady, 10).await;
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    let said = report.to_string();
    assert!(
        said.contains("still 30s after the recovery") && said.contains("not seen to be steady again"),
        "{said}"
    );
    assert_eq!(trial.told().last().map(String::as_str), Some("not-steady-again"));
}

#[tokio::test(start_paused = true)]
async fn it_is_steady_again_only_after_as_many_looks_in_a_row() {
    let flapping = [(10.1, Answer::Status(200)), (10.3, Answer::Status(503)), (10.5, Answer::Status(200))];
    let trial = Trial::of(&flapping);
    let steady =
        hypothesis().probe_in([Phase::Before, Phase::After], "home page", trial.service.clone(), 200);
    let report = trial.run(steady.settled(5), 10).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    let settle = report.steady_state.as_ref().unwrap().time_to_settle().unwrap();
    assert!((0.5..0.8).contains(&settle.as_secs_f64()), "since the first of them: {settle:?}");
}

/// A look that began while the fault was in effect counts, even if its answer comes after the recovery.
#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_after_the_recovery_counts() {
    let trial = Trial::of(&[(9.75, Answer::Status(503)), (10.1, Answer::Status(200))]);
    let (service, clock) = (trial.service.clone(), Arc::clone(&trial.clock));
    let slow = probe("the service, a while later", move || {
        let (service, clock) = (service.clone(), Arc::clone(&clock));
        async move {
            let reading = service.look(clock.as_ref()).await;
            clock.sleep(Duration::from_millis(700)).await;
            reading
        }
    });
    let steady = hypothesis().stop_condition("slow", slow, 200);
    let report = trial.run(steady, 9).await;
    // The looks before the injection take 1.4 s. The last one of the hold began at 9.8 s, and the hold ended at 10.4 s.
    assert_eq!(report.faults[0].cut_short, None, "it came too late to cut anything: {report}");
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
}

#[tokio::test(start_paused = true)]
async fn without_a_look_after_the_fault_nothing_is_said_of_the_time_after() {
    let trial = Trial::of(&[]);
    let report = trial.run(hypothesis().stop_condition("home page", trial.service.clone(), 200), 10).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert_eq!(report.steady_state.as_ref().unwrap().steady_again_at, None, "{report}");
    assert!(!report.to_string().contains("steady again"), "{report}");
    assert_eq!(trial.told(), ["steady-state-met", "steady-state-met"]);
}
