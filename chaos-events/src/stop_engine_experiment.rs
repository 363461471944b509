use std::time::Duration;

use async_trait::async_trait;
use chaos_core::{
    ErrorKind, FaultId, Group, Permit, Recovery, RecoveryScope, Result, TargetId, Verdict,
    engine::{Engine, EngineExperiment, EngineRun, EngineRunState},
    fault::Injection,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    StartAgain,
    group_health::how_healthy,
    pace::{Look, until_back},
};

/// The pause between two looks at a run. An engine takes seconds for a step.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long an order to stop may take before it is repeated.
const STOP_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Stops every run of the experiment that the fault has started, waits until their engine has undone their effects, and
/// until the group is as healthy as before: the recovery of [`RunEngineExperiment`](crate::RunEngineExperiment).
///
/// It finds the runs by the fault's id, so it works without the reply of the start, and without the target. The report
/// tells how each of them ended, in the engine's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StopEngineExperiment {
    /// The experiment.
    pub experiment: EngineExperiment,
    /// Whether the group replaces its members.
    pub replaced: bool,
    /// The number of healthy members that makes the group whole.
    pub healthy: usize,
}

impl StopEngineExperiment {
    /// Stops the runs of `experiment` that a fault has started, and waits until `group` is as it is now.
    pub fn of(experiment: &EngineExperiment, group: &Group) -> Self {
        Self {
            experiment: experiment.clone(),
            replaced: group.replaces_members,
            healthy: group.healthy().min(group.desired),
        }
    }

    /// Waits until nothing runs any more, or the recovery budget is spent.
    async fn end_all(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        let Some(engine) = scope.engine().await? else { return Ok(()) };
        let pause = SignedDuration::try_from(STOP_AGAIN_AFTER).unwrap_or(SignedDuration::ZERO);
        let mut ordered: Option<Timestamp> = None;
        loop {
            let runs = engine.runs(&self.experiment, permit.fault()).await?;
            if runs.iter().all(|run| run.state.has_ended()) {
                for run in &runs {
                    scope.note(format!("the run {run}"));
                }
                return Ok(());
            }
            let now = scope.clock().now();
            if ordered.is_none_or(|before| now.duration_since(before).abs() >= pause) {
                ordered = Some(now);
                self.order_to_stop(engine.as_ref(), &runs, permit).await?;
            }
            if now >= scope.recover_by() {
                return Ok(());
            }
            scope.clock().sleep(LOOK_EVERY).await;
        }
    }

    /// Every run that can be stopped is stopped before an error of another one is returned.
    async fn order_to_stop(&self, engine: &dyn Engine, runs: &[EngineRun], permit: &Permit) -> Result<()> {
        let mut stopped = Ok(());
        for run in runs {
            if !run.state.has_ended() && run.state != EngineRunState::Stopping {
                stopped = stopped.and(engine.stop(&self.experiment, run, permit).await);
            }
        }
        stopped
    }

    /// Whether the group has recovered, regardless of which members were hit.
    async fn look_at_group(&self, scope: &RecoveryScope) -> Result<Verdict> {
        match scope.fresh_group().await {
            Ok(group) => {
                // Do not wait for members that the group does not replace.
                let expected = if self.replaced { group.desired } else { group.in_service() };
                let whole = self.healthy.min(expected);
                if group.healthy() < whole {
                    let what = format!("the experiment is over; {}", how_healthy(&group, whole));
                    return Ok(Verdict::NotYet(what));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let target = StartAgain {
            replaced: self.replaced,
            healthy: self.healthy,
            from_the_beginning: false,
            command: None,
        };
        target.verify(scope).await
    }
}

#[async_trait]
impl Look for StopEngineExperiment {
    async fn look(&self, scope: &RecoveryScope) -> Result<Verdict> {
        self.look_at_group(scope).await
    }
}

#[async_trait]
impl Recovery for StopEngineExperiment {
    const KIND: &'static str = "chaos-events/stop-experiment/1";

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        self.end_all(scope, permit).await?;
        until_back(scope, self).await
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        let Some(engine) = scope.engine().await? else {
            return self.look_at_group(scope).await;
        };
        let runs = engine.runs(&self.experiment, scope.fault()).await?;
        if let Some(run) = runs.iter().find(|run| !run.state.has_ended()) {
            return Ok(Verdict::NotYet(format!("the run {run}")));
        }
        if runs.is_empty() && scope.injection() == Injection::Returned {
            return Ok(Verdict::NotYet("its engine does not list the run that was started".to_owned()));
        }
        if !runs.is_empty() && runs.iter().all(|run| run.state == EngineRunState::Completed) {
            scope.run_its_course();
        }
        self.look_at_group(scope).await
    }

    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        let (experiment, group, whole) = (self.experiment.id(), target.group(), self.healthy);
        format!(
            "With the tools of {1}, stop every run of {0} that fault {fault} has started; that undoes their effects. \
             If the engine has tags, the runs have the id of the fault as a tag; otherwise they are those that began \
             after the fault was armed. Then check that {whole} of the members of {group} are healthy.",
            experiment.name(),
            experiment.engine(),
        )
    }
}
