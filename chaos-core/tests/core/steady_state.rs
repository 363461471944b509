//! A monkey with a steady state: it looks before, during and after, and its report says no more than was seen.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chaos_core::async_trait;
use chaos_core::{
    Error, ErrorKind, Hold, MemoryJournal, Monkey, MonkeyBuilder, Observer, Outcome, Result, RunReport,
    SteadyState, TargetId,
    clock::Clock,
    fault::{CutShort, FaultRecord, FaultState},
    group::GroupId,
    observer::Activity,
    plan::{BlastRadius, Reason},
    probe,
    steady_state::{GroupHealth, Phase, Probe, Reading, SteadyStateVerdict},
    testing::{ManualClock, MemoryProvider, PowerOff},
};

use crate::support::{clock, health, registry};

const STEP: Duration = Duration::from_millis(200);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A service whose answers follow a script: at the times since the start of the test.
#[derive(Clone, Debug)]
struct Service {
    clock: Arc<ManualClock>,
    began: Duration,
    script: Arc<Vec<(Duration, Answer)>>,
    looks: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Status(u16),
    Silent,
    Hangs,
    Panics,
    Errs,
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the service")
    }
}

#[async_trait]
impl Probe for Service {
    async fn look(&self, clock: &dyn Clock) -> Result<Reading> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        let since = self.clock.monotonic() - self.began;
        let now = self.script.iter().rev().find(|(from, _)| *from <= since).map(|(_, answer)| *answer);
        match now.unwrap_or(Answer::Status(200)) {
            Answer::Status(status) => Ok(status.into()),
            Answer::Silent => Ok(Reading::no_answer("connection refused")),
            Answer::Hangs => {
                clock.sleep(seconds(1_000_000)).await;
                Ok(200.into())
            }
            Answer::Panics => panic!("the probe is broken"),
            Answer::Errs => Err(Error::new(ErrorKind::Unavailable, "the proxy is down")),
        }
    }
}

/// A world of machines, a service, and a monkey over both.
struct Trial {
    world: MemoryProvider,
    journal: MemoryJournal,
    clock: Arc<ManualClock>,
    service: Service,
    told: Arc<Mutex<Vec<Activity>>>,
}

#[derive(Debug)]
struct Notes(Arc<Mutex<Vec<Activity>>>);

#[async_trait]
impl Observer for Notes {
    fn observe(&self, _: jiff::Timestamp, activity: &Activity) {
        self.0.lock().unwrap().push(activity.clone());
    }
}

impl Trial {
    /// The script begins with the first look, at which a run begins.
    fn of(script: &[(f64, Answer)]) -> Self {
        let clock = Arc::new(clock());
        let script = script.iter().map(|(at, answer)| (Duration::from_secs_f64(*at), *answer)).collect();
        let service = Service {
            began: clock.monotonic(),
            clock: Arc::clone(&clock),
            script: Arc::new(script),
            looks: Arc::default(),
        };
        Self {
            world: MemoryProvider::default().with_group("web", 5).unwrap(),
            journal: MemoryJournal::new(),
            clock,
            service,
            told: Arc::default(),
        }
    }

    fn steady(&self) -> SteadyState {
        hypothesis().probe("home page", self.service.clone(), 200)
    }

    fn monkey(&self, steady: SteadyState, hold: u64) -> MonkeyBuilder {
        Monkey::builder()
            .provider(self.world.clone())
            .event(PowerOff::lasting(Hold::lasting(seconds(hold)).unwrap()))
            .clock(Arc::clone(&self.clock))
            .seed(42)
            .steady_state(steady)
            .observer(Notes(Arc::clone(&self.told)))
            .unleash(self.journal.clone(), registry())
    }

    async fn run(&self, steady: SteadyState, hold: u64) -> RunReport {
        let report = self.monkey(steady, hold).build().unwrap().run_once().await.unwrap();
        self.assert_whole().await;
        report
    }

    async fn assert_whole(&self) {
        use chaos_core::Journal as _;
        assert_eq!(self.journal.pending().await.unwrap().faults, []);
        for number in 0..5 {
            let id = format!("memory:web/machine-{number}").parse().unwrap();
            assert_eq!(health(&self.world, &id).await, chaos_core::Health::Healthy, "{id}");
        }
    }

    fn told(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let name = |activity: &Activity| {
            serde_json::to_value(activity).unwrap()["activity"].as_str().unwrap().to_owned()
        };
        told.iter().map(name).filter(|name| name.contains("steady")).collect()
    }
}

fn hypothesis() -> SteadyState {
    SteadyState::new("If one machine is off, then every customer is served").every(STEP)
}

fn held_for(fault: &FaultRecord) -> f64 {
    fault.achieved.get("seconds").unwrap()
}

fn verdict(report: &RunReport) -> SteadyStateVerdict {
    report.steady_state.as_ref().expect("a steady state").verdict
}

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
}

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

#[tokio::test(start_paused = true)]
async fn of_two_victims_the_second_is_spared_or_cut_short_too() {
    let radius = || BlastRadius::default().targets_per_run(2).targets_per_group(2);
    let broken = [(1.0, Answer::Status(503)), (60.0, Answer::Status(200))];
    let trial = Trial::of(&broken);
    let one = trial.monkey(trial.steady(), 10).blast_radius(radius()).concurrency(1).build().unwrap();
    let report = one.run_once().await.unwrap();
    assert_eq!((report.outcome(), report.faults.len()), (Outcome::Deviated, 1), "{report}");
    assert_eq!(report.skipped[0].reason, Reason::not_steady("home page", "503, expected 200"), "{report}");
    let trial = Trial::of(&broken);
    let both = trial.monkey(trial.steady(), 10).blast_radius(radius()).concurrency(8).build().unwrap();
    let report = both.run_once().await.unwrap();
    assert_eq!((report.outcome(), report.faults.len()), (Outcome::Deviated, 2), "{report}");
    for fault in &report.faults {
        assert_eq!(fault.cut_short, Some(CutShort::NotSteady), "{report}");
        assert!(held_for(fault) < 2.0, "{report}");
    }
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
async fn one_slow_probe_delays_no_other() {
    // The looks before the injection take eight seconds, four for the plan and four for the victim.
    let trial = Trial::of(&[(10.0, Answer::Status(503))]);
    let clock = Arc::clone(&trial.clock);
    let slow = probe("a slow report", move || {
        let clock = Arc::clone(&clock);
        async move {
            clock.sleep(seconds(4)).await;
            true
        }
    });
    let steady = trial.steady().probe("slow", slow, true).again_within(seconds(1));
    let report = trial.run(steady, 100).await;
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    assert!(held_for(&report.faults[0]) < 2.5, "{report}");
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
async fn hours_of_looks_take_the_memory_of_a_few() {
    let trial = Trial::of(&[]);
    // Twelve hours take a minute.
    let hold = if std::env::var_os("CHAOS_LONG").is_some() { Hold::LONGEST.as_secs() } else { 3_600 };
    let steady = hypothesis()
        .every(Duration::from_millis(100))
        .probe("one", trial.service.clone(), 200)
        .probe("two", trial.service.clone(), 200)
        .probe("three", trial.service.clone(), 200);
    let report = trial.run(steady, hold).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    let steady = report.steady_state.as_ref().unwrap();
    for probe in &steady.probes {
        assert!(probe.during.met > hold * 9, "{}", probe.during.met);
        assert!(probe.series.len() <= 2_000);
    }
    let size = serde_json::to_string(&report).unwrap().len();
    assert!(size <= 1 << 20, "{size} bytes");
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
async fn an_injection_that_was_asked_for_looks_too() {
    let trial = Trial::of(&[(0.5, Answer::Status(503)), (3.0, Answer::Status(200))]);
    let monkey = trial.monkey(trial.steady(), 10).build().unwrap();
    let target: TargetId = "memory:web/machine-1".parse().unwrap();
    let report =
        monkey.inject(PowerOff::lasting(Hold::lasting(seconds(10)).unwrap()), &target).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
}

/// Lets the first injection pass at once, and every other one after six seconds.
#[derive(Debug)]
struct SlowToApprove(Arc<ManualClock>, AtomicUsize);

#[async_trait]
impl Observer for SlowToApprove {
    fn observe(&self, _: jiff::Timestamp, _: &Activity) {}

    async fn before_injection(&self, _: jiff::Timestamp, _: &chaos_core::observer::Intended) -> Result<()> {
        if self.1.fetch_add(1, Ordering::SeqCst) > 0 {
            self.0.sleep(seconds(6)).await;
        }
        Ok(())
    }
}

/// The gate of the second victim sees it before the watch of the first one does, which may never look again.
#[tokio::test(start_paused = true)]
async fn a_violation_that_the_gate_of_another_victim_saw_first_is_a_deviation_all_the_same() {
    for (hold, cut_short) in [(100, Some(CutShort::NotSteady)), (8, None)] {
        let trial = Trial::of(&[(5.0, Answer::Status(503)), (60.0, Answer::Status(200))]);
        let radius = BlastRadius::default().targets_per_run(2).targets_per_group(2);
        let steady = trial.steady().every(seconds(10));
        let monkey = trial.monkey(steady, hold).blast_radius(radius).concurrency(8);
        let monkey = monkey.observer(SlowToApprove(Arc::clone(&trial.clock), AtomicUsize::new(0)));
        let report = monkey.build().unwrap().run_once().await.unwrap();
        trial.assert_whole().await;
        assert_eq!((report.faults.len(), report.skipped.len()), (1, 1), "{report}");
        assert_eq!(report.faults[0].cut_short, cut_short, "{report}");
        assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    }
}

/// The system is not well before the second victim, and well again before the third.
#[tokio::test(start_paused = true)]
async fn a_violation_before_one_victim_hides_none_while_another_one_is_held() {
    let script = [
        (14.0, Answer::Status(503)),
        (17.0, Answer::Status(200)),
        (25.0, Answer::Status(500)),
        (60.0, Answer::Status(200)),
    ];
    let trial = Trial::of(&script);
    let radius = BlastRadius::default().targets_per_run(3).targets_per_group(3).min_healthy(1);
    let monkey = trial.monkey(trial.steady(), 10).blast_radius(radius).concurrency(1);
    let monkey = monkey.observer(SlowToApprove(Arc::clone(&trial.clock), AtomicUsize::new(0)));
    let report = monkey.build().unwrap().run_once().await.unwrap();
    trial.assert_whole().await;
    assert_eq!((report.faults.len(), report.skipped.len()), (2, 1), "{report}");
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    let violation = report.steady_state.as_ref().unwrap().probes[0].first_violation.as_ref().unwrap();
    assert_eq!((violation.phase, violation.why.as_str()), (Phase::During, "500, expected 200"), "{report}");
    assert_eq!(trial.told().iter().filter(|told| *told == "steady-state-violated").count(), 2);
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

#[tokio::test(start_paused = true)]
async fn a_victim_that_waits_when_everything_is_halted_says_so() {
    let radius = BlastRadius::default().targets_per_run(2).targets_per_group(2);
    let trial = Trial::of(&[]);
    let monkey = trial.monkey(trial.steady(), 1_000).blast_radius(radius).concurrency(1).build().unwrap();
    let running = {
        let monkey = monkey.clone();
        tokio::spawn(async move { monkey.run_once().await.unwrap() })
    };
    crate::support::until_state(&trial.journal, FaultState::Active).await;
    monkey.halt("a deployment").await.unwrap();
    let report = running.await.unwrap();
    assert!(matches!(report.skipped[0].reason, Reason::Halted { .. }), "{report}");
}

/// At the moment of the injection the effect may not be there yet, and after the hold it may be gone already.
#[tokio::test(start_paused = true)]
async fn looks_at_the_edges_of_a_fault_are_not_counted() {
    let trial = Trial::of(&[]);
    let (service, clock) = (trial.service.clone(), Arc::clone(&trial.clock));
    let slow = probe("the service, a while later", move || {
        let (service, clock) = (service.clone(), Arc::clone(&clock));
        async move {
            let reading = service.look(clock.as_ref()).await;
            clock.sleep(Duration::from_millis(700)).await;
            reading
        }
    });
    let report = trial.run(hypothesis().probe("slow", slow, 200), 2).await;
    let during = &report.steady_state.as_ref().unwrap().probes[0].during;
    // Of the looks at 0.0, 0.7 and 1.4 s, the last one ended after the hold, and the first began before it.
    assert!((1..=2).contains(&during.met), "{report}");
    let trial = Trial::of(&[]);
    let (service, clock) = (trial.service.clone(), Arc::clone(&trial.clock));
    let slower = probe("the service, long after", move || {
        let (service, clock) = (service.clone(), Arc::clone(&clock));
        async move {
            let reading = service.look(clock.as_ref()).await;
            clock.sleep(seconds(3)).await;
            reading
        }
    });
    let report = trial.run(hypothesis().probe("slower", slower, 200), 2).await;
    assert_eq!(report.outcome(), Outcome::Inconclusive, "{report}");
    let why = &report.steady_state.as_ref().unwrap().reasons[0];
    assert!(why.contains("no look began and ended while the fault was in effect"), "{why}");
    assert!(why.contains("looks are 200ms apart"), "{why}");
}
