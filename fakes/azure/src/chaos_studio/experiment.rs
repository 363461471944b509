//! An experiment and its executions.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::resource_id::ResourceId;

/// An experiment.
#[derive(Clone, Debug)]
pub(crate) struct Experiment {
    pub(crate) id: ResourceId,
    pub(crate) location: String,
    pub(crate) lasts_milliseconds: u64,
    pub(crate) fails: bool,
    pub(crate) steps: Value,
    pub(crate) selectors: Value,
    /// The executions, the oldest first.
    pub(crate) executions: Vec<Execution>,
}

/// One run of an experiment.
#[derive(Clone, Debug)]
pub(crate) struct Execution {
    pub(crate) id: String,
    pub(crate) status: ExecutionStatus,
    pub(crate) started: Timestamp,
    pub(crate) stopped: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExecutionStatus {
    PreProcessing,
    Running,
    Success,
    Failed,
    Cancelling,
    Cancelled,
}

impl ExecutionStatus {
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Cancelled)
    }

    fn name(self) -> &'static str {
        match self {
            Self::PreProcessing => "PreProcessing",
            Self::Running => "Running",
            Self::Success => "Success",
            Self::Failed => "Failed",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
        }
    }
}

impl Experiment {
    pub(crate) fn running(&self) -> Option<&Execution> {
        self.executions.iter().find(|execution| !execution.status.is_over())
    }

    /// The document in the answer to a `GET`.
    pub(crate) fn document(&self) -> Value {
        json!({
            "name": self.id.name(),
            "id": self.id.as_str(),
            "type": "Microsoft.Chaos/experiments",
            "location": self.location,
            "identity": { "type": "SystemAssigned", "principalId": "55555555-5555-4555-8555-555555555555" },
            "properties": { "provisioningState": "Succeeded", "steps": self.steps, "selectors": self.selectors },
        })
    }

    pub(crate) fn execution_document(&self, execution: &Execution) -> Value {
        let mut properties =
            json!({ "status": execution.status.name(), "startedAt": execution.started.to_string() });
        if let Some(stopped) = execution.stopped {
            properties["stoppedAt"] = json!(stopped.to_string());
        }
        json!({
            "name": execution.id,
            "id": self.id.child("executions", &execution.id).as_str(),
            "type": "Microsoft.Chaos/experiments/executions",
            "properties": properties,
        })
    }

    pub(crate) fn details_document(&self, execution: &Execution) -> Value {
        let mut document = self.execution_document(execution);
        document["type"] = json!("Microsoft.Chaos/experiments/executions/getExecutionDetails");
        document["id"] =
            json!(self.id.child("executions", &execution.id).as_str().to_owned() + "/getExecutionDetails");
        document["properties"]["lastActionAt"] =
            json!(execution.stopped.unwrap_or(execution.started).to_string());
        document["properties"]["runInformation"] = json!({ "steps": [] });
        if execution.status == ExecutionStatus::Failed {
            document["properties"]["failureReason"] = json!("Dependency failure");
        }
        document
    }
}
