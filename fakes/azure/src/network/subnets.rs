//! `Microsoft.Network/virtualNetworks/subnets`.

use hyper::Method;
use serde_json::json;

use crate::{
    answer::{Answer, Answered},
    call::Call,
    cloud::Cloud,
    errors,
};

pub(crate) fn answer(cloud: &mut Cloud, call: &Call, rest: &[&str], prefix: &str) -> Answered {
    let (Method::GET, [network, "subnets", name]) = (call.method.clone(), rest) else {
        return Err(Answer::no_route(&call.path));
    };
    let key = format!("{prefix}providers/microsoft.network/virtualnetworks/{network}/subnets/{name}");
    let subnet = cloud.subnets.get(&key).ok_or_else(|| errors::sub_resource_not_found(call))?;
    let mut document = json!({
        "name": subnet.id.name(),
        "id": subnet.id.as_str(),
        "type": "Microsoft.Network/virtualNetworks/subnets",
        "properties": { "provisioningState": "Succeeded", "addressPrefix": subnet.prefix },
    });
    if let Some(group) = &subnet.group {
        document["properties"]["networkSecurityGroup"] = json!({ "id": group.as_str() });
    }
    Ok(Answer::ok(document))
}
