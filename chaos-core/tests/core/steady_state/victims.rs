//! Several victims of one run.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use chaos_core::{
    Observer, Outcome, Result, async_trait,
    clock::Clock,
    fault::{CutShort, FaultState},
    observer::Activity,
    plan::{BlastRadius, Reason},
    steady_state::Phase,
    testing::ManualClock,
};

use super::trial::{Answer, Trial, held_for, seconds};

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

/// Lets the first injection pass at once, and every other one after six seconds.
#[derive(Debug)]
pub(super) struct SlowToApprove(pub(super) Arc<ManualClock>, pub(super) AtomicUsize);

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
