//! Long-running operations: accepted at once, ended later, asked about meanwhile.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::work::Work;

/// When operations end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pace {
    /// With the n-th question about them; 0 is before the request that began them is answered. One that nobody asks
    /// about does not end.
    Polls(u32),
    /// This many milliseconds after they began, whether somebody asks or not.
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

/// How an operation ended, or that it has not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Status {
    InProgress,
    Succeeded,
    Failed { code: String, message: String },
    Canceled,
}

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    /// The path of the resource that tells its status, up to its id.
    pub(crate) place: String,
    pub(crate) api_version: String,
    pub(crate) began: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) status: Status,
    pub(crate) pace: Pace,
    pub(crate) polls: u32,
    /// What its end does; taken by it.
    pub(crate) work: Option<Work>,
    /// How it ends instead of succeeding.
    pub(crate) failure: Option<(String, String)>,
    /// What it hands out at the end.
    pub(crate) output: Option<Value>,
}

impl Operation {
    /// Whether its time has come, without further questions.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        match self.pace {
            Pace::Polls(polls) => self.polls >= polls,
            Pace::Milliseconds(milliseconds) => {
                let passed = now.duration_since(self.began);
                passed >= SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX))
            }
            Pace::Never => false,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.status != Status::InProgress
    }

    /// The body behind `Azure-AsyncOperation`.
    pub(crate) fn document(&self) -> Value {
        let mut document = json!({ "startTime": self.began.to_string(), "name": self.id });
        if let Some(ended) = self.ended {
            document["endTime"] = json!(ended.to_string());
        }
        document["status"] = match &self.status {
            Status::InProgress => json!("InProgress"),
            Status::Succeeded => json!("Succeeded"),
            Status::Canceled => {
                let message = "Operation execution has been preempted by a more recent operation.";
                document["error"] = json!({ "code": "OperationPreempted", "message": message });
                json!("Canceled")
            }
            Status::Failed { code, message } => {
                document["error"] = json!({ "code": code, "message": message });
                json!("Failed")
            }
        };
        if let (Status::Succeeded, Some(output)) = (&self.status, &self.output) {
            document["properties"] = json!({ "output": output });
        }
        document
    }
}
