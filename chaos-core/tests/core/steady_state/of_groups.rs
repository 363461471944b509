//! Steady states of rules for groups: each watches the faults in its groups alone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use chaos_core::{
    BlastRadius, Hold, MemoryJournal, Monkey, MonkeyBuilder, Observer, Outcome, Quota, Result, RunReport,
    SteadyState, async_trait,
    clock::Clock,
    fault::CutShort,
    monkey::GroupRule,
    observer::{Activity, Intended},
    plan::Reason,
    probe,
    steady_state::SteadyStateVerdict,
    testing::{ManualClock, MemoryProvider, PowerOff},
};
use jiff::Timestamp;

use crate::support::{builder, clock};

/// Whether a group is well, and how often that was asked.
#[derive(Clone, Debug, Default)]
struct Sickness(Arc<AtomicBool>, Arc<AtomicUsize>);

impl Sickness {
    fn begins(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn steady(&self, hypothesis: &str) -> SteadyState {
        let Self(is_sick, asked) = self.clone();
        let look = probe("a look", move || {
            asked.fetch_add(1, Ordering::SeqCst);
            let status = if is_sick.load(Ordering::SeqCst) { 503 } else { 200 };
            async move { status }
        });
        SteadyState::new(hypothesis).probe("page", look, 200)
    }
}

fn monkey(clock: &Arc<ManualClock>) -> MonkeyBuilder {
    let world = ["a", "b", "c"]
        .into_iter()
        .fold(MemoryProvider::default(), |world, name| world.with_group(name, 4).unwrap());
    builder(&world, &MemoryJournal::new())
        .event(PowerOff::lasting(Hold::lasting(Duration::from_secs(20)).unwrap()))
        .blast_radius(BlastRadius::default().targets_per_run(Quota::ALL))
        .clock(Arc::clone(clock))
}

fn of(pattern: &str, steady: SteadyState) -> GroupRule {
    GroupRule::matching(pattern.parse().unwrap()).steady_state(steady)
}

fn hit(report: &RunReport) -> Vec<(&str, Option<CutShort>)> {
    report.faults.iter().map(|fault| (fault.group.path(), fault.cut_short)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_not_steady_is_spared_and_the_others_are_hit() {
    let (clock, sickness) = (Arc::new(clock()), Sickness::default());
    sickness.begins();
    let monkey = monkey(&clock).group_rule(of("b", sickness.steady("b is well"))).build().unwrap();
    let unsteady = Reason::not_steady("page", "503, expected 200");
    let plan = monkey.plan().await.unwrap();
    assert_eq!(plan.groups[1].reason.as_ref(), Some(&unsteady), "{plan}");
    assert_eq!(plan.chosen().count(), 2);
    let report = monkey.run_once().await.unwrap();
    assert_eq!(hit(&report), [("a", None), ("c", None)], "{report}");
    assert_eq!(report.plan.groups[1].reason.as_ref(), Some(&unsteady), "{report}");
    assert_eq!((report.outcome(), report.group_steady_states.len()), (Outcome::Completed, 0), "{report}");
    let diagnosis = monkey.diagnose().await;
    let probe =
        diagnosis.checks.iter().find(|check| check.subject == "probe page of the rule for b").unwrap();
    assert!(probe.finding.is_err(), "{probe:?}");
}

#[tokio::test(start_paused = true)]
async fn a_violation_ends_the_faults_in_the_groups_of_its_rule_alone() {
    let (clock, sickness, well) = (Arc::new(clock()), Sickness::default(), Sickness::default());
    let monkey = monkey(&clock)
        .steady_state(well.steady("all is well"))
        .group_rule(of("b", sickness.steady("b is well")))
        .group_rule(of("c", well.steady("c is well")))
        .build()
        .unwrap();
    let run = tokio::spawn(async move { monkey.run_once().await.unwrap() });
    clock.sleep(Duration::from_secs(8)).await;
    sickness.begins();
    clock.sleep(Duration::from_secs(8)).await;
    sickness.0.store(false, Ordering::SeqCst);
    let report = run.await.unwrap();
    assert_eq!(hit(&report), [("a", None), ("b", Some(CutShort::NotSteady)), ("c", None)], "{report}");
    let note = report.faults[1].note.as_deref().unwrap();
    assert!(note.contains("page: 503, expected 200"), "{note}");
    assert!(report.faults[0].achieved.get("seconds").unwrap() > 19.0, "{report}");
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    let verdicts: Vec<_> =
        report.group_steady_states.iter().map(|of| (of.rule.as_str(), of.report.verdict)).collect();
    assert_eq!(verdicts, [("b", SteadyStateVerdict::Deviated), ("c", SteadyStateVerdict::Held)]);
    // That of all speaks of every fault, and one was cut short.
    assert_eq!(report.steady_state.as_ref().unwrap().verdict, SteadyStateVerdict::Inconclusive);
    let said = "groups of b: b is well\ndeviated: page: 503, expected 200, first 8.0 s after the injection";
    assert!(report.to_string().contains(said), "{report}");
    // Not only when the faults in the other groups are over.
    let settled = report.group_steady_states[0].report.time_to_settle().unwrap();
    assert!((7.0..9.5).contains(&settled.as_secs_f64()), "{settled:?}");
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<RunReport>(&json).unwrap(), report);
}

/// While observers are asked.
#[tokio::test(start_paused = true)]
async fn a_group_that_is_not_steady_before_its_injection_is_left_alone() {
    #[derive(Debug)]
    struct Sickens(Sickness);

    #[async_trait]
    impl Observer for Sickens {
        fn observe(&self, _: Timestamp, _: &Activity) {}

        async fn before_injection(&self, _: Timestamp, intended: &Intended) -> Result<()> {
            let expected =
                if intended.target.group().path() == "b" { "all is well; b is well" } else { "all is well" };
            assert_eq!(intended.hypothesis.as_deref(), Some(expected));
            self.0.begins();
            Ok(())
        }
    }

    let (clock, sickness) = (Arc::new(clock()), Sickness::default());
    let monkey = monkey(&clock)
        .steady_state(Sickness::default().steady("all is well"))
        .group_rule(of("b", sickness.steady("b is well")))
        .observer(Sickens(sickness))
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(hit(&report), [("a", None), ("c", None)], "{report}");
    let skipped: Vec<_> = report.skipped.iter().map(|skip| (skip.target.group(), &skip.reason)).collect();
    let unsteady = Reason::not_steady("page", "503, expected 200");
    assert_eq!(skipped, [("memory:b".parse().unwrap(), &unsteady)], "{report}");
}

/// A rule of groups that were not hit has nothing to say, and one that held hides no other fault.
#[tokio::test(start_paused = true)]
async fn a_hypothesis_that_holds_speaks_for_its_own_faults() {
    let clock = Arc::new(clock());
    let (near, far) = (Sickness::default(), Sickness::default());
    let monkey = monkey(&clock)
        .group_rule(of("b", near.steady("b is well")))
        .group_rule(of("d", far.steady("d is well")))
        .build()
        .unwrap();
    let completed = monkey.run_once().await.unwrap();
    assert_eq!(completed.outcome(), Outcome::Completed, "{completed}");
    assert_eq!(completed.group_steady_states.len(), 1, "{completed}");
    assert_eq!(far.1.load(Ordering::SeqCst), 0, "no group is under that rule");
    let mut report = completed;
    report.faults[0].cut_short = Some(CutShort::EndedEarly);
    assert_eq!(report.outcome(), Outcome::CutShort);
    let refused = Monkey::builder()
        .provider(MemoryProvider::default())
        .group_rule(of("b", SteadyState::new("b is well")))
        .build()
        .unwrap_err();
    assert!(refused.to_string().starts_with("invalid probes of the rule for b: none"), "{refused}");
}
