use chaos_aws::Api;
use chaos_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::{
    groups::are_whole,
    targets::{ids, instances},
};
use crate::functions::call::Call;

/// Starts instances, and waits until each is seen to run. One that its group has replaced meanwhile is no longer
/// needed.
///
/// # Errors
/// If one does not run in time; and if one is gone, and its group is not whole.
pub(in crate::functions) async fn start(call: &Call) -> Result<Value> {
    let api = call.api().await?;
    let wanted = call.instances(&api, &["stopped", "stopping"]).await?;
    if wanted.is_empty() {
        return Ok(json!([]));
    }
    let wanted: Vec<String> = wanted.into_iter().collect();
    let found = api.instances(&wanted, &[]).await?;
    let (gone, there): (Vec<&Value>, Vec<&Value>) =
        instances(&found).partition(|instance| is_gone(&instance["State"]["Name"]));
    for instance in &gone {
        is_replaced(&api, instance).await?;
    }
    let there: Vec<String> = ids(&[json!({ "Instances": there })]).collect();
    if !there.is_empty() {
        api.start_instances(&there, call.clock.as_ref()).await?;
    }
    let shown =
        |names: Vec<String>| names.into_iter().map(|id| json!({ "InstanceId": id })).collect::<Vec<_>>();
    let gone: Vec<String> = ids(&[json!({ "Instances": gone })]).collect();
    Ok(json!([{ "StartingInstances": shown(there), "ReplacedInstances": shown(gone) }]))
}

fn is_gone(state: &Value) -> bool {
    matches!(state.as_str(), Some("terminated" | "shutting-down"))
}

/// Whether the group of an instance that is gone is whole without it.
async fn is_replaced(api: &Api, instance: &Value) -> Result<()> {
    let tags = instance["Tags"].as_array().into_iter().flatten();
    let group = tags.into_iter().find(|tag| tag["Key"] == "aws:autoscaling:groupName");
    let id = instance["InstanceId"].as_str().unwrap_or_default();
    let Some(group) = group.and_then(|tag| tag["Value"].as_str()) else {
        let what = "the instance is gone, and is of no group that would replace it, so it cannot be started";
        return Err(Error::new(ErrorKind::Conflict, what).with("instance", id));
    };
    if are_whole(&api.auto_scaling_groups(&[group.to_owned()]).await?) {
        return Ok(());
    }
    let what = "the instance is gone, and its group is not whole yet";
    Err(Error::new(ErrorKind::Conflict, what).with("instance", id).with("group", group))
}
