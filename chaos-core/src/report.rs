//! x
use serde::{Deserialize, Serialize};
/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// At least one fault was injected, and all were recovered.
    Completed,
    /// The monkey is leashed: it planned and touched nothing.
    DryRun,
    /// Nothing was injected: a safety rule or a doubt forbade it, or nobody was eligible. The plan and the report say why.
    Skipped,
    /// Something went wrong: an injection failed, or a target was not seen to be back.
    Failed,
}
