use chaos_core::Result;
use serde_json::Value;

use super::account::{MACHINES, SCALE_SETS};
use crate::functions::{call::Call, function::AzureCall};

/// Asks Azure's Resource Graph.
///
/// # Errors
/// If it cannot be seen.
pub(in crate::functions) async fn carry_out(asked: AzureCall, call: &Call) -> Result<Value> {
    Ok(match asked {
        AzureCall::DescribeMachines => Value::Array(call.found(MACHINES).await?),
        AzureCall::CountMachines => call.found(MACHINES).await?.len().into(),
        // As there, it is the number of scale sets.
        AzureCall::CountScaleSetInstances => call.found(SCALE_SETS).await?.len().into(),
    })
}
