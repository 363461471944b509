//! The gate: nothing is injected unless the system is steady, and no steady state that makes no sense is built.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    Error, ErrorKind, Monkey, Outcome, SteadyState,
    clock::Clock,
    plan::Reason,
    probe,
    steady_state::{Phase, SteadyStateVerdict},
    testing::{MemoryProvider, PowerOff},
};

use super::trial::{Answer, Trial, hypothesis, seconds, verdict};

#[tokio::test(start_paused = true)]
async fn nothing_is_injected_into_a_system_that_is_not_steady() {
    let trial = Trial::of(&[(0.0, Answer::Status(503))]);
    let report = trial.run(trial.steady(), 10).await;
    assert_eq!(
        (report.outcome(), verdict(&report)),
        (Outcome::Skipped, SteadyStateVerdict::NotTested),
        "{report}"
    );
    assert_eq!(report.plan.refused, Some(Reason::not_steady("home page", "503, expected 200")));
    assert!(report.to_string().contains("not steady: home page: 503, expected 200"), "{report}");
    let steady = report.steady_state.as_ref().unwrap();
    assert_eq!(steady.probes[0].first_violation.as_ref().unwrap().phase, Phase::Before);
    let plan = trial.monkey(trial.steady(), 10).build().unwrap().plan().await.unwrap();
    assert_eq!(
        plan.refused,
        Some(Reason::not_steady("home page", "503, expected 200")),
        "a plan shows it too"
    );
    let diagnosis = trial.monkey(trial.steady(), 10).build().unwrap().diagnose().await;
    let check = diagnosis.checks.iter().find(|check| check.subject == "probe home page").unwrap();
    assert_eq!(check.finding.as_ref().unwrap_err().to_string(), "not steady: 503, expected 200");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_shows_that_the_system_is_not_steady() {
    let trial = Trial::of(&[(0.0, Answer::Silent)]);
    let monkey = Monkey::builder()
        .provider(trial.world.clone())
        .event(PowerOff::default())
        .clock(Arc::clone(&trial.clock))
        .steady_state(trial.steady())
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!((report.outcome(), verdict(&report)), (Outcome::DryRun, SteadyStateVerdict::NotTested));
    let refused = report.plan.refused.unwrap().to_string();
    assert_eq!(refused, "not steady: home page: no answer: connection refused; expected 200");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_cannot_look_is_a_doubt_and_nothing_is_injected() {
    for (answer, why) in [
        (Answer::Errs, "the proxy is down"),
        (Answer::Panics, "the probe is broken"),
        (Answer::Hangs, "the look took too long"),
    ] {
        let trial = Trial::of(&[(0.0, answer)]);
        let report = trial.run(trial.steady(), 10).await;
        assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
        let Some(Reason::Doubt { failure, .. }) = &report.plan.refused else {
            panic!("{answer:?}: {report}")
        };
        assert!(failure.message.contains(why) && failure.message.contains("home page"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_closure_that_is_silent_does_not_answer() {
    let trial = Trial::of(&[]);
    let clock = Arc::clone(&trial.clock);
    let silent = probe("the shop", move || {
        let clock = Arc::clone(&clock);
        async move {
            clock.sleep(seconds(100)).await;
            true
        }
    });
    let steady = hypothesis().probe("buy", silent.answering_within(seconds(1)), true);
    let report = trial.run(steady, 10).await;
    let refused = report.plan.refused.unwrap().to_string();
    assert_eq!(refused, "not steady: buy: no answer: silent for 1s; expected true");
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_probe_is_cut() {
    let trial = Trial::of(&[]);
    let endless = probe("the proxy", || async {
        Err::<bool, _>(Error::new(ErrorKind::Unavailable, "no ".repeat(1 << 20)))
    });
    let report = trial.run(hypothesis().probe("proxy", endless, true), 10).await;
    assert_eq!(report.outcome(), Outcome::Skipped);
    let size = serde_json::to_string(&report).unwrap().len();
    assert!(size < 64 << 10, "{size} bytes");
}

#[test]
fn nonsense_is_refused_when_the_monkey_is_built() {
    let fine = || probe("it", || async { true });
    let cases: [(SteadyState, &str); 13] = [
        (SteadyState::new("it works"), "invalid probes: none; expected at least one"),
        (SteadyState::new(" ").probe("a", fine(), true), "invalid hypothesis: \"\""),
        (hypothesis().probe("a", fine(), true).probe("a", fine(), true), "invalid name of a probe: \"a\""),
        (hypothesis().probe("", fine(), true), "invalid name of a probe: \"\""),
        (hypothesis().probe("a", fine(), true).every(Duration::ZERO), "invalid every: 0s"),
        (hypothesis().probe("a", fine(), true).time_limit(Duration::ZERO), "invalid time_limit: 0s"),
        (hypothesis().probe("a", fine(), true).again_within(Duration::ZERO), "invalid again_within: 0s"),
        (hypothesis().probe("a", fine(), true).violated_when(3, 2), "invalid violated_when: 3 of 2"),
        (hypothesis().probe("a", fine(), true).settled(0), "invalid settled: 0"),
        (hypothesis().probe("a", fine(), 2.0..=1.0), "invalid tolerance of \"a\": from 2 to 1"),
        (hypothesis().probe("a", fine(), f64::NAN..), "invalid tolerance of \"a\": at least NaN"),
        (hypothesis().probe_in([], "a", fine(), true), "invalid phases of \"a\": none"),
        (
            hypothesis().probe("a", fine().answering_within(Duration::ZERO), true),
            "invalid answering_within of \"a\": 0s",
        ),
    ];
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    for (steady, expected) in cases {
        let built =
            Monkey::builder().provider(world.clone()).event(PowerOff::default()).steady_state(steady).build();
        let error = built.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_alone_tests_no_hypothesis() {
    let trial = Trial::of(&[]);
    let gate = hypothesis().probe_in([Phase::Before], "home page", trial.service.clone(), 200);
    let report = trial.run(gate, 2).await;
    assert_eq!(report.outcome(), Outcome::Inconclusive, "{report}");
    assert!(report.to_string().contains("no probe looks during a fault or after it"), "{report}");
    // What has to hold after a fault alone is a hypothesis.
    let trial = Trial::of(&[]);
    let after = hypothesis().probe_in([Phase::After], "home page", trial.service.clone(), 200);
    assert_eq!(trial.run(after, 2).await.outcome(), Outcome::Completed);
}
