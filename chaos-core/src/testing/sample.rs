//! Samples of reports and plans, for tests of your own reporter.
//!
//! Reports and plans are non-exhaustive, so a test cannot spell one out. Take a sample and change the fields that
//! matter: every field is public. A sample is the same at every call.
//!
//! ```
//! use chaos_core::{Outcome, RunReport, testing::sample};
//!
//! /// One line for a chat.
//! fn line(report: &RunReport) -> String {
//!     let targets: Vec<_> = report.faults.iter().map(|fault| fault.target.name()).collect();
//!     format!("{}: {}", report.outcome(), if targets.is_empty() { "-".to_owned() } else { targets.join(", ") })
//! }
//!
//! assert_eq!(line(&sample::report(Outcome::Completed)), "completed: machine-1");
//! assert_eq!(line(&sample::report(Outcome::Skipped)), "skipped: -");
//!
//! let mut two = sample::report(Outcome::NoEffect);
//! two.faults.push(sample::fault());
//! assert_eq!(line(&two), "no-effect: machine-1, machine-1");
//! ```

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::json;

use crate::{
    error::{ErrorKind, Failure},
    event::Hold,
    fault::{CutShort, FaultId, FaultRecord, FaultState, Magnitude, Mark, Milestone, Reached},
    group::{GroupId, Health, TargetId},
    journal::Unreadable,
    monkey::{Outcome, RunId, RunReport, Skip},
    plan::{Decision, Doubt, GroupPlan, Plan, Reason, TargetPlan},
    recovery::RecoveryRecord,
    steady_state::SteadyStateVerdict,
};

use super::steady_sample::steady_state;

const SEED: u64 = 42;

/// Seconds after 09:00 on a Monday.
const fn at(second: i64) -> Timestamp {
    Timestamp::constant(1_772_442_000 + second, 0)
}

#[expect(clippy::expect_used, reason = "every sample is made in the tests, with ids that are constant")]
fn group(path: &str) -> GroupId {
    GroupId::new("memory", path).expect("a well-formed group")
}

#[expect(clippy::expect_used, reason = "every sample is made in the tests, with ids that are constant")]
fn target(group_path: &str, number: usize) -> TargetId {
    group(group_path).target(&format!("machine-{number}")).expect("a well-formed target")
}

/// A fault that was held for a minute and recovered five seconds after: `power-off` on `memory:web/machine-1`.
pub fn fault() -> FaultRecord {
    let mut requested = Magnitude::default();
    requested.set("seconds", 60.0);
    let held = Hold::DEFAULT.until_deadline();
    let recovery = RecoveryRecord::new("chaos-core/power-on/1", json!({}));
    let mut fault = FaultRecord::armed(
        FaultId::from_entropy(0x0005_a3b1_e0fa_0175),
        SEED,
        target("web", 1),
        "power-off",
        recovery,
        requested,
        at(1),
        at(1) + held,
    );
    let mut achieved = Magnitude::default();
    achieved.set("seconds", 59.0);
    let milestones =
        vec![Reached::new(Milestone::DetectedUnhealthy, at(4)), Reached::new(Milestone::Healthy, at(66))];
    for mark in [
        Mark::new(FaultState::Injecting, at(1)),
        Mark::new(FaultState::Active, at(2)),
        Mark::new(FaultState::Recovering, at(61)),
        Mark::new(FaultState::Recovered, at(66)).achieved(achieved).milestones(milestones),
    ] {
        fault.apply(&mark);
    }
    fault
}

/// A plan in which one target is chosen, and each other target is left alone for a different reason. It has a doubt.
pub fn plan() -> Plan {
    let members = [
        Decision::not_chosen(Reason::NotDrawn),
        Decision::Chosen {
            event: Cow::Borrowed("power-off"),
            caveat: Some("what it keeps in memory is lost".to_owned()),
        },
        Decision::not_chosen(Reason::not_healthy(Health::Unhealthy)),
        Decision::not_chosen(Reason::excluded("it has the tag chaos:enabled = false")),
        Decision::not_chosen(Reason::cooling_down(at(3_600))),
    ];
    let planned = |path: &str, decisions: Vec<Decision>| -> Vec<TargetPlan> {
        let targets = decisions.into_iter().enumerate();
        targets.map(|(number, decision)| TargetPlan { id: target(path, number), decision }).collect()
    };
    let few = Reason::too_few_healthy(0, 1);
    let lone = GroupPlan {
        id: group("lone"),
        desired: 1,
        healthy: 1,
        reason: Some(few.clone()),
        targets: planned("lone", vec![Decision::not_chosen(few)]),
    };
    let web = GroupPlan {
        id: group("web"),
        desired: 5,
        healthy: 4,
        reason: None,
        targets: planned("web", members.into()),
    };
    let failure = Failure::new(ErrorKind::Unavailable, "page 2 of the listing did not arrive");
    Plan {
        seed: SEED,
        at: at(0),
        closes: Some(at(6 * 3_600)),
        refused: None,
        doubts: vec![Doubt { about: "memory:db".to_owned(), failure }],
        unmatched_patterns: Vec::new(),
        groups: vec![lone, web],
    }
}

/// A report of a run with this outcome, complete with the matching facts: a report of [`Outcome::Failed`] has a fault
/// whose target is not back, and an unreadable entry of the journal; one of [`Outcome::Deviated`] or
/// [`Outcome::Inconclusive`] has a steady state.
pub fn report(outcome: Outcome) -> RunReport {
    let mut report = RunReport {
        run: Some(RunId::from_entropy(SEED)),
        seed: SEED,
        leashed: outcome == Outcome::DryRun,
        began_at: at(0),
        ended_at: at(71),
        plan: plan(),
        skipped: Vec::new(),
        faults: Vec::new(),
        rehearsed: Vec::new(),
        pending: Vec::new(),
        replayed: Vec::new(),
        unreadable: Vec::new(),
        steady_state: None,
        group_steady_states: Vec::new(),
    };
    let mut fault = fault();
    match outcome {
        Outcome::DryRun => return report,
        Outcome::Skipped => {
            let (target, event) = (fault.target, fault.event);
            report.skipped =
                vec![Skip { target, event, reason: Reason::halted("a deployment is under way") }];
            return report;
        }
        Outcome::Completed => {}
        Outcome::CutShort => {
            fault.cut_short = Some(CutShort::Cancelled);
            fault.achieved.set("seconds", 12.0);
        }
        Outcome::Deviated => {
            fault.cut_short = Some(CutShort::NotSteady);
            fault.achieved.set("seconds", 12.0);
            report.steady_state = Some(steady_state(SteadyStateVerdict::Deviated, at));
        }
        Outcome::Inconclusive => {
            fault.cut_short = Some(CutShort::InDoubt);
            fault.achieved.set("seconds", 12.0);
            report.steady_state = Some(steady_state(SteadyStateVerdict::Inconclusive, at));
        }
        Outcome::NoEffect => fault.no_effect = Some("no look saw the fault in effect".to_owned()),
        Outcome::Failed => {
            fault.state = FaultState::RecoveryFailed;
            fault.milestones.truncate(1);
            let message = "the target is not back after 5 attempts: the machine is stopped";
            fault.failure = Some(Failure::new(ErrorKind::Timeout, message));
            fault.note = Some("the platform was busy".to_owned());
            let damaged = Failure::new(ErrorKind::Corrupt, "the recovery in the journal cannot be read");
            report.unreadable = vec![Unreadable::new("00000000000000ff", damaged)];
        }
    }
    report.faults = vec![fault];
    report
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const OUTCOMES: [Outcome; 8] = [
        Outcome::Completed,
        Outcome::DryRun,
        Outcome::Skipped,
        Outcome::CutShort,
        Outcome::NoEffect,
        Outcome::Deviated,
        Outcome::Inconclusive,
        Outcome::Failed,
    ];

    #[test]
    fn every_sample_ends_as_it_says_and_reads_back_from_json() {
        for outcome in OUTCOMES {
            let sample = report(outcome);
            assert_eq!(sample.outcome(), outcome, "{sample}");
            assert_eq!(report(outcome), sample);
            let read: RunReport = serde_json::from_str(&serde_json::to_string(&sample).unwrap()).unwrap();
            assert_eq!(read, sample);
        }
    }

    #[test]
    fn the_json_of_a_report_has_the_outcome_and_the_times_that_follow_from_it() {
        let json = serde_json::to_value(report(Outcome::Completed)).unwrap();
        assert_eq!(json["outcome"], "completed");
        let fault = &json["faults"][0];
        assert_eq!(fault["time_to_detect"], 3.0);
        assert_eq!(fault["time_to_recover"], 65.0);
        assert_eq!(fault["time_to_revert"], 5.0);
        assert_eq!(fault["event"], "power-off", "and the record itself");
        let failed = serde_json::to_value(report(Outcome::Failed)).unwrap();
        assert_eq!(failed["outcome"], "failed");
        assert!(failed["faults"][0]["time_to_recover"].is_null(), "{failed:#}");
    }

    #[test]
    fn a_report_of_before_is_read() {
        let mut sample = report(Outcome::Completed);
        let mut json = serde_json::to_value(&sample).unwrap();
        json.as_object_mut().unwrap().remove("outcome").unwrap();
        json.as_object_mut().unwrap().remove("run").unwrap();
        sample.run = None;
        for time in ["time_to_detect", "time_to_recover", "time_to_revert"] {
            json["faults"][0].as_object_mut().unwrap().remove(time).unwrap();
        }
        assert_eq!(serde_json::from_value::<RunReport>(json).unwrap(), sample);
    }

    #[test]
    fn a_plan_is_explained_as_a_table() {
        let mut plan = plan();
        let table = "\
group        target     decision
memory:lone  machine-0  0 healthy members would be left; at least 1 must be
memory:web   machine-0  not drawn
memory:web   machine-1  chosen: power-off (what it keeps in memory is lost)
memory:web   machine-2  it is unhealthy
memory:web   machine-3  excluded: it has the tag chaos:enabled = false
memory:web   machine-4  it cools down until 2026-03-02T10:00:00Z
in doubt: memory:db: page 2 of the listing did not arrive";
        assert_eq!(plan.explain().to_string(), table);
        plan.refused = Some(Reason::calendar_closed(None, None));
        plan.doubts.clear();
        plan.groups.truncate(1);
        plan.groups[0].targets.clear();
        let table = "\
nothing is injected: the calendar is closed
group        target  decision
memory:lone  -       0 healthy members would be left; at least 1 must be";
        assert_eq!(plan.explain().to_string(), table);
    }

    #[test]
    fn a_fault_took_as_long_as_it_says() {
        let fault = fault();
        assert_eq!(fault.time_to_recover(), Some(Duration::from_secs(65)));
        assert_eq!(fault.time_to_revert(), Some(Duration::from_secs(5)));
        assert_eq!(fault.late_by(), None);
    }
}
