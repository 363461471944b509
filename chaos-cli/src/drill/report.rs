use std::time::Duration;

use chaos_core::{
    FaultId, GroupId, Outcome, RunReport, TargetId,
    error::Failure,
    fault::{CutShort, FaultRecord, FaultState, Magnitude},
    journal::Unreadable,
    monkey::Skip,
    plan::{Decision, GroupPlan, Plan},
    steady_state::SteadyStateReport,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    catalogue::Catalogue,
    clients::ClientCounts,
    program::{by_hand, is_unrecorded, remarks, why_unanswered},
};

/// The output of `--json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct DrillReport {
    pub(super) outcome: Outcome,
    pub(super) seed: u64,
    pub(super) plan: Plan,
    pub(super) faults: Vec<FaultReport>,
    pub(super) group: GroupReport,
    pub(super) clients: ClientsReport,
    /// Why a dry run cannot tell which targets would be hit, if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unanswered: Option<String>,
    /// The findings about the steady state, if the drill has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) steady_state: Option<SteadyStateReport>,
    /// The unreadable entries of the journal, which may be faults.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unreadable: Vec<Unreadable>,
    /// The targets that were chosen and then left alone, with the reason.
    #[serde(skip)]
    pub(super) skipped: Vec<Skip>,
    /// Whether Ctrl-C cut it short.
    #[serde(skip)]
    pub(super) interrupted: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct FaultReport {
    pub(super) id: FaultId,
    pub(super) target: TargetId,
    pub(super) event: String,
    pub(super) state: FaultState,
    pub(super) requested: Magnitude,
    pub(super) achieved: Magnitude,
    pub(super) injected_at: Option<Timestamp>,
    pub(super) recovered_at: Option<Timestamp>,
    pub(super) time_to_recover_ms: Option<u64>,
    /// The time from the end of the hold until the target was back.
    pub(super) time_to_revert_ms: Option<u64>,
    /// Why the fault ended before its time, if it did.
    pub(super) cut_short: Option<CutShort>,
    /// Why the fault hit nothing, if no effect was seen.
    pub(super) no_effect: Option<String>,
    /// A note for a person.
    pub(super) note: Option<String>,
    /// Whether the fault is over because its target no longer exists.
    pub(super) gone: bool,
    /// The last failure.
    pub(super) failure: Option<Failure>,
    /// The command line that brings the target back, if it is not back.
    pub(super) recover_with: Option<String>,
    /// The instructions by which a person brings the target back, if it is not back.
    pub(super) by_hand: Option<String>,
    #[serde(skip)]
    pub(super) time_to_detect_ms: Option<u64>,
    #[serde(skip)]
    pub(super) remarks: Vec<String>,
    /// Whether the target is back, but the journal did not record it.
    #[serde(skip)]
    pub(super) is_unrecorded: bool,
}

/// The counts of the clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ClientsReport {
    /// From the start of the drill to its end.
    #[serde(flatten)]
    pub(super) all: ClientCounts,
    /// While faults were held: from the first injection to the end of the last hold.
    pub(super) during_hold: Option<ClientCounts>,
}

/// The groups of the drill, taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct GroupReport {
    /// The desired size after the run, as far as it is known. `None` if no group was seen at all.
    pub(super) desired: Option<usize>,
    /// The desired size before the run, if it was another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) desired_before: Option<usize>,
    pub(super) healthy_before: Option<usize>,
    /// `None` if it is no longer known.
    pub(super) healthy_after: Option<usize>,
    /// The groups that no longer exist.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) gone: Vec<GroupId>,
}

/// The groups of a drill after it, taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct After {
    pub(super) healthy: usize,
    pub(super) desired: usize,
    /// The groups that no longer exist.
    pub(super) gone: Vec<GroupId>,
}

impl DrillReport {
    /// The report of a drill that touched nothing.
    pub(super) fn untouched(outcome: Outcome, plan: Plan) -> Self {
        Self {
            outcome,
            seed: plan.seed,
            group: GroupReport::untouched(&plan),
            unanswered: if outcome == Outcome::DryRun { why_unanswered(&plan) } else { None },
            plan,
            faults: Vec::new(),
            clients: ClientsReport::default(),
            steady_state: None,
            unreadable: Vec::new(),
            skipped: Vec::new(),
            interrupted: false,
        }
    }

    /// The report of a run. `after` is the state of its groups after it, and `recover_with` the command line that
    /// recovers the faults that it has left. An interrupted run has failed, however well its faults ended.
    pub(super) fn of_run(
        run: RunReport,
        interrupted: bool,
        after: Option<After>,
        clients: ClientsReport,
        recover_with: Option<&str>,
        catalogue: &Catalogue,
    ) -> Self {
        let outcome = if interrupted { Outcome::Failed } else { run.outcome() };
        let mut plan = run.plan;
        for skip in &run.skipped {
            let targets = plan.groups.iter_mut().flat_map(|group| &mut group.targets);
            for target in targets.filter(|target| target.id == skip.target) {
                target.decision = Decision::not_chosen(skip.reason.clone());
            }
        }
        Self {
            outcome,
            seed: run.seed,
            faults: run
                .replayed
                .into_iter()
                .chain(run.faults)
                .map(|fault| FaultReport::of(fault, recover_with, catalogue))
                .collect(),
            group: GroupReport::untouched(&plan).and_then(after),
            unanswered: None,
            steady_state: run.steady_state,
            plan,
            clients,
            unreadable: run.unreadable,
            skipped: run.skipped,
            interrupted,
        }
    }
}

impl GroupReport {
    /// The groups as the plan has seen them.
    fn untouched(plan: &Plan) -> Self {
        let sum = |of: fn(&GroupPlan) -> usize| {
            let groups = &plan.groups;
            (!groups.is_empty()).then(|| groups.iter().map(of).sum())
        };
        let healthy = sum(|group| group.healthy);
        Self {
            desired: sum(|group| group.desired),
            desired_before: None,
            healthy_before: healthy,
            healthy_after: healthy,
            gone: Vec::new(),
        }
    }

    /// The group after the run. `None` if it could not be read.
    fn and_then(mut self, after: Option<After>) -> Self {
        self.healthy_after = after.as_ref().map(|after| after.healthy);
        if let Some(After { desired, gone, .. }) = after {
            self.desired_before = self.desired.filter(|before| *before != desired);
            self.desired = Some(desired);
            self.gone = gone;
        }
        self
    }
}

impl FaultReport {
    fn of(fault: FaultRecord, recover_with: Option<&str>, catalogue: &Catalogue) -> Self {
        let is_left = fault.state != FaultState::Recovered && !is_unrecorded(&fault);
        let told = is_left.then(|| by_hand(&fault, catalogue));
        let is_ours = matches!(told, Some(Ok(_)));
        let by_hand = told.map(|told| told.unwrap_or_else(|unknown| unknown));
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            time_to_recover_ms: fault.time_to_recover().map(milliseconds),
            time_to_detect_ms: fault.time_to_detect().map(milliseconds),
            time_to_revert_ms: fault.time_to_revert().map(milliseconds),
            remarks: remarks(&fault, fault.failure.as_ref()),
            is_unrecorded: is_unrecorded(&fault),
            cut_short: fault.cut_short,
            no_effect: fault.no_effect,
            recovered_at: fault.ended_at.filter(|_| fault.state == FaultState::Recovered),
            injected_at: fault.injected_at,
            id: fault.id,
            target: fault.target,
            event: fault.event,
            state: fault.state,
            requested: fault.requested,
            achieved: fault.achieved,
            note: fault.note,
            gone: fault.gone,
            failure: fault.failure,
            recover_with: recover_with.filter(|_| is_ours).map(str::to_owned),
            by_hand,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chaos_core::{
        MemoryJournal, Monkey, Provider, Registry,
        recovery::RecoveryRecord,
        testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
    };

    use super::*;
    use crate::catalogue::catalogue;

    #[tokio::test(start_paused = true)]
    async fn the_object_has_the_keys_that_scripts_rely_on() {
        let provider = MemoryProvider::default().with_group("web", 5).unwrap();
        let monkey = Monkey::builder()
            .provider(provider.clone())
            .event(PowerOff::default())
            .clock(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
            .seed(42)
            .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
            .build()
            .unwrap();
        let run = monkey.run_once().await.unwrap();
        let group = provider.group(&"memory:web".parse().unwrap()).await.unwrap();
        let after = Some(After { healthy: group.healthy(), desired: group.desired, gone: Vec::new() });
        let during_hold = Some(ClientCounts { requests: 5, failed: 1 });
        let clients = ClientsReport { all: ClientCounts { requests: 10, failed: 1 }, during_hold };

        let report =
            DrillReport::of_run(run.clone(), false, after.clone(), clients, Some("recover it"), &catalogue());
        let json = serde_json::to_value(&report).unwrap();
        let keys = |value: &serde_json::Value| {
            let keys: BTreeSet<&String> = value.as_object().unwrap().keys().collect();
            keys.into_iter().cloned().collect::<Vec<_>>()
        };
        assert_eq!(keys(&json), ["clients", "faults", "group", "outcome", "plan", "seed"]);
        assert_eq!(
            keys(&json["faults"][0]),
            [
                "achieved",
                "by_hand",
                "cut_short",
                "event",
                "failure",
                "gone",
                "id",
                "injected_at",
                "no_effect",
                "note",
                "recover_with",
                "recovered_at",
                "requested",
                "state",
                "target",
                "time_to_recover_ms",
                "time_to_revert_ms"
            ]
        );
        assert_eq!(json["outcome"], "completed");
        assert_eq!(json["seed"], 42);
        assert_eq!(json["faults"][0]["state"], "recovered");
        assert_eq!(json["faults"][0]["time_to_recover_ms"], 60_000);
        let expected = serde_json::json!({ "desired": 5, "healthy_before": 5, "healthy_after": 5 });
        assert_eq!(json["group"], expected);
        let during_hold = serde_json::json!({ "requests": 5, "failed": 1 });
        let expected = serde_json::json!({ "requests": 10, "failed": 1, "during_hold": during_hold });
        assert_eq!(json["clients"], expected);
        assert_eq!(json["plan"]["groups"][0]["targets"].as_array().unwrap().len(), 5);

        let interrupted = DrillReport::of_run(run, true, after, clients, None, &catalogue());
        assert_eq!(interrupted.outcome, Outcome::Failed);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_back_says_what_brings_it_back_and_what_became_of_the_group() {
        let monkey = Monkey::builder()
            .provider(MemoryProvider::default().with_group("web", 5).unwrap())
            .event(PowerOff::default())
            .clock(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
            .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
            .build()
            .unwrap();
        let mut run = monkey.run_once().await.unwrap();
        run.faults[0].state = FaultState::RecoveryFailed;
        run.faults[0].failure = Some(Failure::new(chaos_core::ErrorKind::Denied, "no"));
        let of_run = |run: RunReport| {
            let gone: Vec<GroupId> = vec!["memory:web".parse().unwrap()];
            let after = Some(After { healthy: 0, desired: 0, gone });
            let report = DrillReport::of_run(
                run,
                false,
                after,
                ClientsReport::default(),
                Some("recover it"),
                &catalogue(),
            );
            serde_json::to_value(&report).unwrap()
        };
        let json = of_run(run.clone());
        let expected = serde_json::json!({
            "desired": 0, "desired_before": 5, "healthy_before": 5, "healthy_after": 0, "gone": ["memory:web"],
        });
        assert_eq!(json["group"], expected);
        let fault = &json["faults"][0];
        assert_eq!(fault["failure"]["message"], "no");
        let by_hand = fault["by_hand"].as_str().unwrap();
        assert!(
            by_hand.contains("does not know the recovery"),
            "its event is none of these programs': {by_hand}"
        );
        assert_eq!(fault["recover_with"], serde_json::Value::Null, "that would not know it either");

        let payload = serde_json::json!({ "replaced": false, "healthy": 5, "from_the_beginning": false });
        run.faults[0].recovery = RecoveryRecord::new("chaos-events/start-again/1", payload);
        run.faults[0].target = "local:web/replica-1".parse().unwrap();
        let json = of_run(run);
        assert_eq!(json["faults"][0]["recover_with"], "recover it");
    }

    #[test]
    fn what_nobody_has_seen_is_no_number() {
        let plan = serde_json::json!({
            "seed": 1, "at": "2026-03-02T09:00:00Z", "closes": null, "refused": null, "groups": [],
            "doubts": [{ "about": "aws-asg", "failure": { "kind": "denied", "message": "no" } }],
        });
        let report = DrillReport::untouched(Outcome::DryRun, serde_json::from_value(plan).unwrap());
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(
            json["group"],
            serde_json::json!({ "desired": null, "healthy_before": null, "healthy_after": null })
        );
        assert!(json["unanswered"].is_string(), "{json:#}");
    }
}
