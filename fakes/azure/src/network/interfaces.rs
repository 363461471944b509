//! `Microsoft.Network/networkInterfaces`.

use hyper::Method;
use serde_json::{Map, Value};

use super::{Interface, interface::reference};
use crate::{
    answer::{Answer, Answered},
    call::Call,
    cloud::Cloud,
    errors,
    operation::Provider,
    paging::page,
    resource_id::ResourceId,
    work::Work,
};

pub(crate) fn answer(cloud: &mut Cloud, call: &Call, rest: &[&str], prefix: &str) -> Answered {
    let key = |name: &str| format!("{prefix}providers/microsoft.network/networkinterfaces/{name}");
    match (call.method.clone(), rest) {
        (Method::GET, []) => {
            let keys: Vec<String> = cloud
                .interfaces
                .keys()
                .filter(|key| key.starts_with(prefix) && !key.contains("/virtualmachinescalesets/"))
                .cloned()
                .collect();
            page(cloud, call, &keys, |key| cloud.interfaces.get(key).map(Interface::document))
        }
        (Method::GET, [name]) => {
            let interface =
                cloud.interfaces.get(&key(name)).ok_or_else(|| errors::resource_not_found(call))?;
            Ok(Answer::ok(interface.document()))
        }
        (Method::PUT, [name]) => put(cloud, call, &key(name)),
        _ => Err(Answer::no_route(&call.path)),
    }
}

/// Replaces the whole resource: fields that the body leaves out are removed.
fn put(cloud: &mut Cloud, call: &Call, key: &str) -> Answered {
    let Some(existing) = cloud.interfaces.get(key) else {
        return Err(Answer::no_route(&format!("{} of an interface that is not there", call.path)));
    };
    errors::check_etag(call, &existing.etag)?;
    errors::check_operation(cloud, existing.operation.as_ref())?;
    let body = call.json();
    let (location, wanted) = (existing.location.clone(), properties(body)?);
    if body.get("location").and_then(Value::as_str).is_none_or(|place| !same_place(place, &location)) {
        return Err(errors::wrong_location(&existing.id, &location, body));
    }
    let subnet = existing.subnet();
    let named = ["networkSecurityGroup"].map(|field| reference(&wanted, field));
    for group in named.into_iter().flatten() {
        check_group(cloud, call, &existing.id, &group, &location)?;
    }
    if let Some(subnet) = subnet {
        cloud.check_linked(call, "Microsoft.Network/virtualNetworks/subnets/join/action", subnet.as_str())?;
    }
    for (action, id) in joined(&wanted) {
        cloud.check_linked(call, action, &id)?;
    }
    let etag = cloud.fresh_etag();
    let operation = cloud.begin(call, Provider::Network, &location, Work::Interface(key.to_owned()));
    let tags = body.get("tags").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(interface) = cloud.interfaces.get_mut(key) {
        interface.properties = wanted;
        interface.tags = tags;
        interface.etag = etag;
        "Updating".clone_into(&mut interface.provisioning);
        interface.operation = Some(operation.clone());
    }
    let answer = cloud.interfaces.get(key).map_or_else(|| Answer::empty(200), |it| Answer::ok(it.document()));
    Ok(cloud.started(answer, &operation))
}

fn check_group(
    cloud: &Cloud,
    call: &Call,
    interface: &ResourceId,
    group: &ResourceId,
    location: &str,
) -> Result<(), Answer> {
    let found = cloud.security_groups.get(&group.key());
    if found.is_none_or(|found| !same_place(&found.location, location)) {
        return Err(Answer::bad_request(
            "InvalidResourceReference",
            format!(
                "Resource {group} referenced by resource {interface} was not found. Please make sure that the \
                 referenced resource exists, and that both resources are in the same region."
            ),
        ));
    }
    cloud.check_linked(call, "Microsoft.Network/networkSecurityGroups/join/action", group.as_str())
}

/// The other resources that its configurations are in, each with the action that is needed to name it, even without a
/// change.
fn joined(properties: &Map<String, Value>) -> Vec<(&'static str, String)> {
    const JOINS: [(&str, &str); 5] = [
        ("publicIPAddress", "Microsoft.Network/publicIPAddresses/join/action"),
        (
            "loadBalancerBackendAddressPools",
            "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
        ),
        ("loadBalancerInboundNatRules", "Microsoft.Network/loadBalancers/inboundNatRules/join/action"),
        (
            "applicationGatewayBackendAddressPools",
            "Microsoft.Network/applicationGateways/backendAddressPools/join/action",
        ),
        (
            "applicationSecurityGroups",
            "Microsoft.Network/applicationSecurityGroups/joinIpConfiguration/action",
        ),
    ];
    let configurations = properties.get("ipConfigurations").and_then(Value::as_array).into_iter().flatten();
    let mut joined = Vec::new();
    for configuration in configurations {
        for (field, action) in JOINS {
            let named = &configuration["properties"][field];
            let several = named.as_array().map_or(std::slice::from_ref(named), Vec::as_slice);
            let ids = several.iter().filter_map(|reference| reference["id"].as_str());
            joined.extend(ids.map(|id| (action, id.to_owned())));
        }
    }
    joined
}

/// The properties that a `PUT` may set.
fn properties(body: &Value) -> Result<Map<String, Value>, Answer> {
    let properties = body.get("properties").and_then(Value::as_object);
    let configured =
        properties.and_then(|properties| properties.get("ipConfigurations")).and_then(Value::as_array);
    let (Some(properties), Some([_, ..])) = (properties, configured.map(Vec::as_slice)) else {
        return Err(Answer::bad_request(
            "InvalidRequestFormat",
            "Cannot parse the request: ipConfigurations is required.",
        ));
    };
    const SET_BY_AZURE: [&str; 8] = [
        "provisioningState",
        "resourceGuid",
        "macAddress",
        "primary",
        "virtualMachine",
        "hostedWorkloads",
        "tapConfigurations",
        "nicType",
    ];
    Ok(properties
        .iter()
        .filter(|(field, value)| !SET_BY_AZURE.contains(&field.as_str()) && !value.is_null())
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect())
}

fn same_place(one: &str, other: &str) -> bool {
    let plain = |place: &str| place.replace(' ', "").to_lowercase();
    plain(one) == plain(other)
}
