//! A momentary event has no hold to cut short: it is in effect until its target is back.

use std::sync::{Arc, atomic::AtomicBool};

use chaos_core::{
    ChaosEvent, FaultId, Hold, Outcome, Recovery, Registry, Result, RunReport, TargetId, async_trait,
    capability::CapabilitySet,
    clock::Clock,
    event::Scope,
    fault::{Permit, Prepared},
    recovery::{RecoveryScope, Verdict},
    steady_state::Phase,
    testing::ManualClock,
};
use serde::{Deserialize, Serialize};

use super::{
    lost_watch::BreaksTheWatch,
    trial::{Answer, Trial, seconds},
};

/// Its target is replaced after some ten seconds.
#[derive(Debug)]
struct Replace;

#[async_trait]
impl ChaosEvent for Replace {
    fn name(&self) -> &'static str {
        "replace"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        Hold::MOMENTARY
    }

    async fn prepare(&self, _: &Scope) -> Result<Prepared> {
        Ok(Prepared::new(Replacement::default(), |_| Box::pin(std::future::ready(Ok(())))))
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Replacement {
    #[serde(skip)]
    clock: Option<Arc<ManualClock>>,
}

#[async_trait]
impl Recovery for Replacement {
    const KIND: &'static str = "tests/replacement/1";

    async fn recover(&self, _: &RecoveryScope, _: &Permit) -> Result<()> {
        self.clock.as_ref().unwrap().sleep(seconds(10)).await;
        Ok(())
    }

    async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> {
        Ok(Verdict::Back)
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        "wait".to_owned()
    }
}

async fn replace(trial: &Trial, clock: impl Clock) -> RunReport {
    let manual = Arc::clone(&trial.clock);
    let registry = Registry::default().register_with::<Replacement>(move |mut recovery| {
        recovery.clock = Some(Arc::clone(&manual));
        recovery
    });
    let monkey = trial.monkey(trial.steady(), 1).clock(clock).unleash(trial.journal.clone(), registry);
    let target = "memory:web/machine-1".parse().unwrap();
    let report = monkey.build().unwrap().inject(Replace, &target).await.unwrap();
    trial.assert_whole().await;
    report
}

#[tokio::test(start_paused = true)]
async fn a_violation_until_a_target_is_replaced_is_a_deviation() {
    let sound = Trial::of(&[]);
    let report = replace(&sound, Arc::clone(&sound.clock)).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    assert!(report.steady_state.as_ref().unwrap().probes[0].during.met >= 49, "{report}");
    let trial = Trial::of(&[(8.0, Answer::Status(503)), (8.1, Answer::Status(200))]);
    let report = replace(&trial, Arc::clone(&trial.clock)).await;
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    assert_eq!(report.faults[0].cut_short, None, "{report}");
    let violation = report.steady_state.as_ref().unwrap().probes[0].first_violation.as_ref().unwrap();
    assert_eq!(violation.phase, Phase::During, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_lost_until_a_target_is_replaced_is_a_doubt() {
    for (panics, why) in [(true, "broke off"), (false, "gives no sign of life")] {
        let trial = Trial::of(&[]);
        let (clock, from) = (Arc::clone(&trial.clock), trial.clock.monotonic() + seconds(1));
        let clock = BreaksTheWatch { clock, from, panics, is_done: AtomicBool::new(false) };
        let report = replace(&trial, clock).await;
        assert_eq!(report.outcome(), Outcome::Inconclusive, "{report}");
        assert!(report.to_string().contains(&format!("the watch of the steady state {why}")), "{report}");
    }
}
