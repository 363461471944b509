use std::time::Duration;

use chaos_azure::StartOutcome;
use chaos_core::Result;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::account::{MACHINES, ids};
use crate::functions::call::Call;

/// How long a machine may take until it runs.
const RUNNING_WITHIN: Duration = Duration::from_secs(280);

/// Starts the machines that pass the filter, and waits until each is seen to run.
///
/// # Errors
/// If one does not run in time.
pub(in crate::functions) async fn start(call: &Call) -> Result<Value> {
    let found = call.found(MACHINES).await?;
    let machines = call.machines()?;
    let machines = &machines;
    let started = ids(&found).map(|id| async move {
        let was_down = machines.start(&id, RUNNING_WITHIN).await? == StartOutcome::Started;
        Ok(was_down.then_some(id))
    });
    let started: Vec<Option<String>> = try_join_all(started).await?;
    let shown: Vec<Value> = started.into_iter().flatten().map(|id| json!({ "id": id })).collect();
    Ok(json!({ "resources": shown }))
}
