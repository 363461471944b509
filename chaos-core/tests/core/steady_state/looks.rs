//! Many looks, slow ones, and those that do not count.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chaos_core::{
    Hold, Outcome, async_trait, clock::Clock, jiff::Timestamp, probe, steady_state::Probe,
    testing::ManualClock,
};

use super::trial::{Answer, Trial, held_for, hypothesis, seconds};

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

/// A clock whose sleeps overshoot, as real ones do.
#[derive(Debug)]
struct Late(Arc<ManualClock>);

#[async_trait]
impl Clock for Late {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration + Duration::from_millis(10)).await;
    }
}

/// A frozen service answers as soon as the fault ends by itself, which is before this process gets to end the hold.
#[tokio::test(start_paused = true)]
async fn a_look_that_the_end_of_the_fault_answers_does_not_count() {
    let trial = Trial::of(&[]);
    let clock = Arc::clone(&trial.clock);
    let begins: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let frozen = probe("the frozen service", move || {
        let (clock, begins) = (Arc::clone(&clock), Arc::clone(&begins));
        async move {
            let begin = clock.monotonic();
            // Two looks are made before the injection.
            let injected = {
                let mut begins = begins.lock().unwrap();
                begins.push(begin);
                begins.get(2).copied()
            };
            if let Some(injected) = injected {
                clock.sleep((injected + seconds(2)).saturating_sub(begin)).await;
            }
            true
        }
    });
    let monkey = trial.monkey(hypothesis().probe("frozen", frozen, true), 2);
    let monkey = monkey.clock(Late(Arc::clone(&trial.clock))).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Inconclusive, "{report}");
    assert_eq!(report.steady_state.as_ref().unwrap().probes[0].during.met, 0, "{report}");
}
