use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use aws_sdk_fis::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    types::{ExperimentStatus, ExperimentSummary},
};
use chaos_core::{
    Error, ErrorKind, FaultId, GroupId, Permit, Result,
    engine::{Engine, EngineDefinition, EngineExperiment, EngineExperimentId, EngineRun, EngineRunState},
    listing::pages,
};
use futures_util::{TryStreamExt, future::try_join3};

use super::{
    duration::{left_behind, longest},
    experiment::FisExperiment,
    extent::{Bounds, extent},
    template::Template,
};
use crate::{
    client::{error::failed, groups::group_named, regions::Region},
    model::{
        group_path::GroupPath,
        told::{told, untold},
    },
};

/// The tag of an experiment that a fault has started, with the fault's id.
pub const FAULT_TAG: &str = "chaos:fault";

/// The number of experiments on a page.
const PAGE: i32 = 100;

/// The Fault Injection Service of a region, for the members of one group.
#[derive(Debug)]
pub(crate) struct FaultInjection {
    region: Arc<Region>,
    group: GroupId,
}

impl FaultInjection {
    pub(crate) fn new(region: Arc<Region>, group: GroupId) -> Self {
        Self { region, group }
    }

    fn failed<E>(
        &self,
        action: &'static str,
        template: &FisExperiment,
        error: SdkError<E, HttpResponse>,
    ) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        failed(action, self.region.name(), error).with("template", template.id())
    }

    async fn template(&self, template: &FisExperiment) -> Result<Template> {
        const ACTION: &str = "fis:GetExperimentTemplate";
        let answer = self.region.fis().get_experiment_template().id(template.id()).send().await;
        let answer = answer.map_err(|error| self.failed(ACTION, template, error))?;
        let found = told(answer.experiment_template, "experimentTemplate").and_then(Template::of);
        found.map_err(|error| error.with("action", ACTION).with("template", template.id()))
    }

    /// Every experiment of this template that the service remembers.
    async fn experiments(&self, template: &FisExperiment) -> Result<Vec<EngineRun>> {
        let fetch = |token: Option<String>| {
            let call = self.region.fis().list_experiments().experiment_template_id(template.id());
            let call = call.max_results(PAGE).set_next_token(token);
            async move {
                let answer = call.send().await;
                let answer = answer.map_err(|error| self.failed("fis:ListExperiments", template, error))?;
                let experiments = told(answer.experiments, "experiments")
                    .map_err(|error| error.with("template", template.id()))?;
                Ok((experiments, answer.next_token))
            }
        };
        let found: Vec<Vec<_>> = Box::pin(pages(fetch)).try_collect().await?;
        found.into_iter().flatten().map(run).collect()
    }

    async fn bounds<'a>(&self, region: &'a str, name: &'a str) -> Result<Bounds<'a>> {
        let group = group_named(&self.region, name).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "this account and region have no such auto-scaling group")
                .with("group", name)
                .with("region", region)
        })?;
        let members: BTreeSet<_> = group.members.iter().map(|member| member.id.clone()).collect();
        Ok(Bounds { region, group: name, size: members.len().max(group.desired), members })
    }
}

#[async_trait]
impl Engine for FaultInjection {
    async fn look_up(&self, id: &EngineExperimentId) -> Result<EngineDefinition> {
        let template = FisExperiment::of(id)?;
        let GroupPath { region, name, .. } = GroupPath::of(&self.group)?;
        let (found, experiments, bounds) =
            try_join3(self.template(&template), self.experiments(&template), self.bounds(region, &name))
                .await?;
        Ok(EngineDefinition::new(EngineExperiment::new(id.clone()))
            .longest(longest(&found))
            .extent(extent(&found, &bounds))
            .left_behind(left_behind(&found))
            .under_way(experiments.into_iter().filter(|run| !run.state.has_ended()))
            .notes(found.notes()))
    }

    async fn start(&self, experiment: &EngineExperiment, permit: &Permit) -> Result<()> {
        let template = FisExperiment::of(experiment.id())?;
        let fault = permit.fault();
        // The idempotency token allows the SDK to send it again.
        let call = self
            .region
            .fis()
            .start_experiment()
            .experiment_template_id(template.id())
            .client_token(format!("chaos-{fault}"))
            .tags(FAULT_TAG, fault.to_string());
        let started = permit.in_time(call.send()).await;
        started?
            .map(|_| ())
            .map_err(|error| self.failed("fis:StartExperiment", &template, error).with("fault", fault))
    }

    async fn runs(&self, experiment: &EngineExperiment, fault: FaultId) -> Result<Vec<EngineRun>> {
        let experiments = self.experiments(&FisExperiment::of(experiment.id())?).await?;
        Ok(experiments.into_iter().filter(|run| run.fault == Some(fault)).collect())
    }

    async fn stop(&self, experiment: &EngineExperiment, run: &EngineRun, permit: &Permit) -> Result<()> {
        let template = FisExperiment::of(experiment.id())?;
        let stopped = self.region.fis().stop_experiment().id(&run.id).send().await;
        stopped.map(|_| ()).map_err(|error| {
            let error = self.failed("fis:StopExperiment", &template, error);
            // The id comes from the service, so the refusal concerns the state of the run, and is temporary.
            let passes = error.is_retryable() || error.kind() == ErrorKind::InvalidInput;
            error.retryable(passes).with("run", &run.id).with("fault", permit.fault())
        })
    }
}

/// An experiment without an id could not be stopped.
fn run(found: ExperimentSummary) -> Result<EngineRun> {
    let id = told(found.id, "id of an experiment")?;
    let (status, reason) = found.state.map(|state| (state.status, state.reason)).unwrap_or_default();
    let mut run = EngineRun::new(id, state(status.as_ref()));
    // Only its tags tell which fault a running experiment belongs to.
    if found.tags.is_none() && !run.state.has_ended() {
        return Err(untold("tags of an experiment"));
    }
    if let Some(reason) = reason {
        run = run.reason(reason);
    }
    let fault = found.tags.as_ref().and_then(|tags| tags.get(FAULT_TAG)?.parse().ok());
    Ok(match fault {
        Some(fault) => run.fault(fault),
        None => run,
    })
}

fn state(status: Option<&ExperimentStatus>) -> EngineRunState {
    match status {
        Some(ExperimentStatus::Pending | ExperimentStatus::Initiating) => EngineRunState::Starting,
        Some(ExperimentStatus::Running) => EngineRunState::Running,
        Some(ExperimentStatus::Stopping) => EngineRunState::Stopping,
        Some(ExperimentStatus::Completed) => EngineRunState::Completed,
        Some(ExperimentStatus::Stopped) => EngineRunState::Stopped,
        Some(ExperimentStatus::Cancelled) => EngineRunState::Cancelled,
        Some(ExperimentStatus::Failed) => EngineRunState::Failed,
        _ => EngineRunState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_the_service_has_its_meaning() {
        for (status, expected, has_ended) in [
            ("pending", EngineRunState::Starting, false),
            ("initiating", EngineRunState::Starting, false),
            ("running", EngineRunState::Running, false),
            ("stopping", EngineRunState::Stopping, false),
            ("completed", EngineRunState::Completed, true),
            ("stopped", EngineRunState::Stopped, true),
            ("cancelled", EngineRunState::Cancelled, true),
            ("failed", EngineRunState::Failed, true),
            ("resting", EngineRunState::Unknown, false),
        ] {
            let seen = state(Some(&ExperimentStatus::from(status)));
            assert_eq!((seen, seen.has_ended()), (expected, has_ended), "{status}");
        }
        assert_eq!(state(None), EngineRunState::Unknown);
    }

    #[test]
    fn a_tag_of_somebody_else_is_no_fault() {
        let tagged = |value: &str| {
            let summary = ExperimentSummary::builder().id("EXP1").tags(FAULT_TAG, value).build();
            run(summary).unwrap().fault
        };
        assert_eq!(tagged("00000000000000ff").unwrap().to_string(), "00000000000000ff");
        assert_eq!(tagged("yes"), None);
        assert!(run(ExperimentSummary::builder().build()).is_err());
    }
}
