use std::time::Duration;

use chaos_core::{
    CutShort, Decision, FaultId, FaultRecord, FaultState, Magnitude, Outcome, Plan, RunReport, Skip,
    TargetId, Unreadable,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    clients::ClientCounts,
    program::{is_unrecorded, remarks},
};

/// What `--json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct DrillReport {
    pub(super) outcome: Outcome,
    pub(super) seed: u64,
    pub(super) plan: Plan,
    pub(super) faults: Vec<FaultReport>,
    pub(super) group: GroupReport,
    pub(super) clients: ClientsReport,
    /// Entries of the journal that could not be read, and may be faults.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unreadable: Vec<Unreadable>,
    /// Who was chosen and left alone after all, with the reason.
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
    /// From the end of the hold until it was back.
    pub(super) time_to_revert_ms: Option<u64>,
    /// Why it was over before its time, if it was.
    pub(super) cut_short: Option<CutShort>,
    /// Why nothing was hit, if that is what was seen.
    pub(super) no_effect: Option<String>,
    /// What a person should know besides.
    pub(super) note: Option<String>,
    #[serde(skip)]
    pub(super) time_to_detect_ms: Option<u64>,
    #[serde(skip)]
    pub(super) remarks: Vec<String>,
    /// Whether it is back and the journal does not say so.
    #[serde(skip)]
    pub(super) is_unrecorded: bool,
}

/// What the clients noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ClientsReport {
    /// From beginning to end.
    #[serde(flatten)]
    pub(super) all: ClientCounts,
    /// While faults were held: from the first that was injected to the last that was let go.
    pub(super) during_hold: Option<ClientCounts>,
}

/// The groups of the drill, taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct GroupReport {
    pub(super) desired: usize,
    pub(super) healthy_before: usize,
    /// `None` where nobody could tell any more.
    pub(super) healthy_after: Option<usize>,
}

impl DrillReport {
    /// Of a drill that touched nothing.
    pub(super) fn untouched(outcome: Outcome, plan: Plan) -> Self {
        Self {
            outcome,
            seed: plan.seed,
            group: GroupReport::untouched(&plan),
            plan,
            faults: Vec::new(),
            clients: ClientsReport::default(),
            unreadable: Vec::new(),
            skipped: Vec::new(),
            interrupted: false,
        }
    }

    /// Of a run; `healthy_after` as its groups are after it. A run that was interrupted has failed, however well its faults ended.
    pub(super) fn of_run(
        run: RunReport,
        interrupted: bool,
        healthy_after: Option<usize>,
        clients: ClientsReport,
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
            faults: run.replayed.into_iter().chain(run.faults).map(FaultReport::from).collect(),
            group: GroupReport { healthy_after, ..GroupReport::untouched(&plan) },
            plan,
            clients,
            unreadable: run.unreadable,
            skipped: run.skipped,
            interrupted,
        }
    }
}

impl GroupReport {
    /// As the plan has seen them.
    fn untouched(plan: &Plan) -> Self {
        let healthy = plan.groups.iter().map(|group| group.healthy).sum();
        Self {
            desired: plan.groups.iter().map(|group| group.desired).sum(),
            healthy_before: healthy,
            healthy_after: Some(healthy),
        }
    }
}

impl From<FaultRecord> for FaultReport {
    fn from(fault: FaultRecord) -> Self {
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
        }
    }
}

#[cfg(test)]
mod tests {
    use chaos_core::{
        ManualClock, MemoryJournal, Monkey, Provider, Registry,
        memory::{MemoryProvider, PowerOff, PowerOn},
    };

    use super::*;

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
        let after = Some(provider.group(&"memory:web".parse().unwrap()).await.unwrap().healthy());
        let during_hold = Some(ClientCounts { requests: 5, failed: 1 });
        let clients = ClientsReport { all: ClientCounts { requests: 10, failed: 1 }, during_hold };

        let report = DrillReport::of_run(run.clone(), false, after, clients);
        let json = serde_json::to_value(&report).unwrap();
        let keys = |value: &serde_json::Value| -> Vec<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(keys(&json), ["clients", "faults", "group", "outcome", "plan", "seed"]);
        assert_eq!(
            keys(&json["faults"][0]),
            [
                "achieved",
                "cut_short",
                "event",
                "id",
                "injected_at",
                "no_effect",
                "note",
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

        assert_eq!(DrillReport::of_run(run, true, after, clients).outcome, Outcome::Failed);
    }
}
