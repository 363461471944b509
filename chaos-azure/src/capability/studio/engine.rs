use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use azure_core::http::{Method, Url};
use chaos_core::{
    Error, ErrorKind, FaultId, GroupId, Permit, Result,
    engine::{Engine, EngineDefinition, EngineExperiment, EngineExperimentId, EngineRun, EngineRunState},
    listing::pages,
};
use futures_util::{TryStreamExt, future::try_join3};
use serde::{Deserialize, Serialize};

use super::{bounds::Bounds, definition::Definition, experiment::ChaosStudioExperiment, extent::extent};
use crate::{
    client::{arm::Request, azure::Azure, permissions::Needed},
    model::resource_id::ResourceId,
};

const API_VERSION: &str = "2025-01-01";

/// Chaos Studio, for the members of one group.
#[derive(Debug)]
pub(crate) struct ChaosStudio {
    azure: Arc<Azure>,
    group: GroupId,
}

/// The runs that existed before the fault, because Chaos Studio has no place for a fault's id.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    runs_before: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
struct Found {
    properties: Definition,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    value: Vec<Execution>,
    #[serde(default)]
    next_link: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Execution {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    properties: Properties,
}

#[derive(Debug, Default, Deserialize)]
struct Properties {
    #[serde(default)]
    status: Option<String>,
}

impl ChaosStudio {
    pub(crate) fn new(azure: Arc<Azure>, group: GroupId) -> Self {
        Self { azure, group }
    }

    fn at(&self, experiment: &ResourceId, below: &str) -> Url {
        self.azure.arm.at(&format!("{}{below}", experiment.as_str()), API_VERSION)
    }

    async fn definition(&self, experiment: &ResourceId) -> Result<Definition> {
        let found: Found = self.azure.arm.get(self.at(experiment, "")).await?.read()?;
        Ok(found.properties)
    }

    /// Every execution that Chaos Studio remembers of an experiment.
    async fn executions(&self, experiment: &ResourceId) -> Result<Vec<EngineRun>> {
        let first = self.at(experiment, "/executions");
        let fetch = |next: Option<String>| {
            let (arm, first) = (Arc::clone(&self.azure.arm), first.clone());
            async move {
                let at = next.map_or(Ok(first), |address| arm.given(&address))?;
                let page: Page = arm.get(at).await?.read()?;
                Ok((page.value, page.next_link))
            }
        };
        let found: Vec<Vec<Execution>> = Box::pin(pages(fetch)).try_collect().await?;
        found.into_iter().flatten().map(run).collect()
    }

    /// The executions that a fault has started: all that did not exist before it.
    async fn of_fault(&self, experiment: &EngineExperiment) -> Result<Vec<EngineRun>> {
        let mark: Mark = experiment.mark()?;
        let mut runs = self.executions(&ChaosStudioExperiment::resource(experiment.id())?).await?;
        runs.retain(|run| !mark.runs_before.contains(&run.id));
        Ok(runs)
    }

    async fn order(&self, experiment: &EngineExperiment, what: &str) -> Result<()> {
        let resource = ChaosStudioExperiment::resource(experiment.id())?;
        let request = Request::new(Method::Post, self.at(&resource, what));
        self.azure.arm.send(&request).await.map(|_| ())
    }
}

#[async_trait]
impl Engine for ChaosStudio {
    async fn look_up(&self, id: &EngineExperimentId) -> Result<EngineDefinition> {
        let resource = ChaosStudioExperiment::resource(id)?;
        let looked = try_join3(
            self.definition(&resource),
            self.executions(&resource),
            Bounds::of(&self.azure, &self.group),
        );
        let (definition, executions, bounds) = looked.await.map_err(|error| error.with("experiment", id))?;
        // An experiment that may not be cancelled is not started.
        let cancel = Needed::new("Microsoft.Chaos/experiments/cancel/action", resource.as_str());
        self.azure.permissions.require(&[cancel]).await.map_err(|error| error.with("experiment", id))?;
        let mark = Mark { runs_before: executions.iter().map(|run| run.id.clone()).collect() };
        Ok(EngineDefinition::new(EngineExperiment::new(id.clone()).marked(&mark)?)
            .longest(definition.longest())
            .extent(extent(&definition, &bounds))
            .left_behind(definition.left_behind())
            .under_way(executions.into_iter().filter(|run| !run.state.has_ended()))
            .notes(definition.notes()))
    }

    async fn start(&self, experiment: &EngineExperiment, permit: &Permit) -> Result<()> {
        let named = |error: Error| error.with("experiment", experiment.id()).with("fault", permit.fault());
        if !self.of_fault(experiment).await.map_err(named)?.is_empty() {
            return Ok(());
        }
        // Chaos Studio refuses a second run while one is in progress. It has no idempotency token, so the order is not
        // sent again.
        let started = permit.in_time(self.order(experiment, "/start")).await.and_then(|started| started);
        started.map_err(|error| {
            let is_refused = error.kind() == ErrorKind::Conflict;
            named(if is_refused { error.retryable(false) } else { error })
        })
    }

    async fn runs(&self, experiment: &EngineExperiment, _: FaultId) -> Result<Vec<EngineRun>> {
        self.of_fault(experiment).await.map_err(|error| error.with("experiment", experiment.id()))
    }

    /// Chaos Studio cancels the current run of an experiment, without the name of a run.
    async fn stop(&self, experiment: &EngineExperiment, run: &EngineRun, permit: &Permit) -> Result<()> {
        let stopped = async {
            let runs = self.of_fault(experiment).await?;
            match runs.iter().find(|found| found.id == run.id) {
                Some(found) if !found.state.has_ended() => self.order(experiment, "/cancel").await,
                _ => Ok(()),
            }
        };
        stopped.await.map_err(|error: Error| {
            error.with("experiment", experiment.id()).with("run", &run.id).with("fault", permit.fault())
        })
    }
}

/// An execution without a name could not be distinguished from others.
fn run(execution: Execution) -> Result<EngineRun> {
    let name = execution
        .name
        .ok_or_else(|| Error::new(ErrorKind::Unavailable, "an execution is listed without its name"))?;
    let status = execution.properties.status.unwrap_or_default();
    Ok(EngineRun::new(name, state(&status)).reason(status))
}

fn state(status: &str) -> EngineRunState {
    match status.to_ascii_lowercase().as_str() {
        "preprocessingqueued" | "preprocessing" | "waitingtostart" | "queued" | "starting" => {
            EngineRunState::Starting
        }
        "running" => EngineRunState::Running,
        "cancelling" | "canceling" | "waitingtostop" | "stopping" | "postprocessing" => {
            EngineRunState::Stopping
        }
        "success" | "succeeded" | "completed" => EngineRunState::Completed,
        // Somebody has ended it, and its effects are undone.
        "cancelled" | "canceled" | "stopped" => EngineRunState::Stopped,
        "failed" => EngineRunState::Failed,
        _ => EngineRunState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_the_service_has_its_meaning() {
        for (status, expected, has_ended) in [
            ("PreProcessingQueued", EngineRunState::Starting, false),
            ("WaitingToStart", EngineRunState::Starting, false),
            ("Running", EngineRunState::Running, false),
            ("Cancelling", EngineRunState::Stopping, false),
            ("Success", EngineRunState::Completed, true),
            ("Cancelled", EngineRunState::Stopped, true),
            ("Failed", EngineRunState::Failed, true),
            ("Resting", EngineRunState::Unknown, false),
            ("", EngineRunState::Unknown, false),
        ] {
            let seen = state(status);
            assert_eq!((seen, seen.has_ended()), (expected, has_ended), "{status}");
        }
    }
}
