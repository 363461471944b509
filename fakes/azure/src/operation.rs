//! Long-running operations, which are accepted at once, end later, and can be polled meanwhile.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::work::Work;

/// The time at which operations end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pace {
    /// With the n-th poll; 0 is before the request that began them is answered. An operation that is not polled does
    /// not end.
    Polls(u32),
    /// This many milliseconds after they began, polled or not.
    Milliseconds(u64),
    /// Never.
    Never,
}

impl Pace {
    /// After `duration`.
    pub fn after(duration: Duration) -> Self {
        Self::Milliseconds(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The provider of an operation, which determines the addresses of its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    Compute,
    Network,
    Chaos,
}

impl Provider {
    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Compute => "Microsoft.Compute",
            Self::Network => "Microsoft.Network",
            Self::Chaos => "Microsoft.Chaos",
        }
    }

    /// The address in `Azure-AsyncOperation`, without its host.
    pub(crate) fn status_place(self, operation: &Operation) -> String {
        let kind = if self == Self::Chaos { "operationStatuses" } else { "operations" };
        self.place(operation, kind)
    }

    /// The address in `Location`.
    pub(crate) fn result_place(self, operation: &Operation) -> String {
        match self {
            Self::Compute => self.place(operation, "operations") + "&monitor=true",
            Self::Network | Self::Chaos => self.place(operation, "operationResults"),
        }
    }

    fn place(self, operation: &Operation, kind: &str) -> String {
        let Operation { subscription, location, id, api_version, .. } = operation;
        let namespace = self.namespace();
        format!(
            "/subscriptions/{subscription}/providers/{namespace}/locations/{location}/{kind}/{id}\
             ?api-version={api_version}"
        )
    }
}

/// The end of an operation, or that it is in progress.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Status {
    InProgress,
    Succeeded,
    Failed(Failure),
    Canceled,
}

/// The reason why an operation fails.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
    /// Whether the order takes effect nevertheless.
    pub(crate) takes_effect: bool,
}

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) provider: Provider,
    pub(crate) subscription: String,
    pub(crate) location: String,
    pub(crate) api_version: String,
    pub(crate) began: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) status: Status,
    pub(crate) pace: Pace,
    pub(crate) polls: u32,
    /// The work at its end, which takes it out.
    pub(crate) work: Option<Work>,
    /// The failure to end with instead of success.
    pub(crate) failure: Option<Failure>,
    /// Its result at the end.
    pub(crate) output: Option<Value>,
}

impl Operation {
    /// Whether it ends now, without further polls.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        match self.pace {
            Pace::Polls(polls) => self.polls >= polls,
            Pace::Milliseconds(milliseconds) => self.has_lasted(milliseconds, now),
            Pace::Never => false,
        }
    }

    pub(crate) fn has_lasted(&self, milliseconds: u64, now: Timestamp) -> bool {
        now.duration_since(self.began)
            >= SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.status != Status::InProgress
    }

    /// The body at the address in `Azure-AsyncOperation`.
    pub(crate) fn document(&self) -> Value {
        let mut document = json!({ "startTime": self.began.to_string(), "name": self.id });
        if let Some(ended) = self.ended {
            document["endTime"] = json!(ended.to_string());
        }
        let status = match &self.status {
            Status::InProgress => "InProgress",
            Status::Succeeded => "Succeeded",
            Status::Canceled => "Canceled",
            Status::Failed(_) => "Failed",
        };
        document["status"] = json!(status);
        if let Some(error) = self.error() {
            document["error"] = error;
        }
        if let (Status::Succeeded, Some(output)) = (&self.status, &self.output) {
            document["properties"] = json!({ "output": output });
        }
        document
    }

    /// The reason why it did not succeed.
    pub(crate) fn error(&self) -> Option<Value> {
        match &self.status {
            Status::Failed(Failure { code, message, .. }) => {
                Some(json!({ "code": code, "message": message }))
            }
            Status::Canceled => Some(json!({
                "code": "OperationPreempted",
                "message": "Operation execution has been preempted by a more recent operation.",
            })),
            Status::InProgress | Status::Succeeded => None,
        }
    }
}
