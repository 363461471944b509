//! The routes of requests.

use hyper::Method;
use serde_json::{Value, json};

use super::{
    access::Asked,
    answer::{Answer, Answered},
    autoscale,
    call::Call,
    chaos_studio::experiments,
    cloud::Cloud,
    compute::{availability_sets, scale_sets, virtual_machines},
    directory::Directory,
    metrics,
    network::{interfaces, security_groups, subnets},
    operation::{Failure, Status},
    resource_graph, versions,
};

type TokenEndpoint = fn(&mut Directory, &Call, &str, i64, jiff::Timestamp) -> Answer;

/// Answers any request.
pub(crate) fn answer(cloud: &mut Cloud, call: &Call) -> Answer {
    let path: Vec<String> = call.segments.iter().map(|segment| segment.to_lowercase()).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let token = match path.as_slice() {
        [_tenant, "oauth2", "v2.0", "token"] => Some(Directory::token as TokenEndpoint),
        ["msi", "token"] => Some(Directory::identity_token as TokenEndpoint),
        _ => None,
    };
    if let Some(token) = token {
        let (id, lifetime, now) = (cloud.fresh_id(), cloud.settings.token_lifetime_seconds, cloud.now);
        return token(&mut cloud.directory, call, &id, lifetime, now);
    }
    admitted(cloud, call, &path).and_then(|()| routed(cloud, call, &path)).unwrap_or_else(|refusal| refusal)
}

/// Checks that the caller may send the request: the token first, then the version, the subscription and the role, as
/// ARM does.
fn admitted(cloud: &Cloud, call: &Call, path: &[&str]) -> Result<(), Answer> {
    let subscription = path.get(1).and_then(|id| cloud.subscriptions.get(*id));
    let tenant = subscription.map_or(Directory::TENANT, |subscription| subscription.tenant.as_str());
    cloud.directory.check(call, tenant, cloud.now)?;
    if call.parameter("api-version").is_none_or(str::is_empty) {
        return Err(Answer::bad_request(
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        ));
    }
    let is_of_a_tenant = path.first() == Some(&"providers");
    if let (None, Some(name), false) = (subscription, call.segments.get(1), is_of_a_tenant) {
        let message = format!("The subscription '{name}' could not be found.");
        return Err(Answer::error(404, "SubscriptionNotFound", message));
    }
    match Asked::of(call) {
        Some(asked) if !cloud.role.allows(&asked.action, &asked.scope) => Err(asked.refusal()),
        _ => Ok(()),
    }
}

fn routed(cloud: &mut Cloud, call: &Call, path: &[&str]) -> Answered {
    let version = call.parameter("api-version").unwrap_or_default();
    if let [scope @ .., "providers", namespace @ "microsoft.authorization", kind @ "permissions"] = path {
        versions::check(namespace, kind, &[], version)?;
        return permissions(cloud, call, scope);
    }
    if let [scope @ .., "providers", namespace @ "microsoft.insights", kind @ "metrics"] = path {
        versions::check(namespace, kind, &[], version)?;
        return metrics::answer(cloud, call, scope);
    }
    if let ["providers", namespace @ "microsoft.resourcegraph", kind @ "resources"] = path {
        versions::check(namespace, kind, &[], version)?;
        return resource_graph::answer(cloud, call);
    }
    let Some((&"subscriptions", path)) = path.split_first() else { return Err(Answer::no_route(&call.path)) };
    match path {
        [] => Ok(Answer::ok(json!({ "value": visible(cloud) }))),
        [subscription] => Ok(Answer::ok(subscription_document(cloud, subscription))),
        [subscription, "resourcegroups"] => {
            let groups = cloud.subscriptions.get(*subscription).map(|subscription| &subscription.groups);
            let groups: Vec<Value> = groups
                .into_iter()
                .flat_map(|it| it.values())
                .map(|name| group_document(subscription, name))
                .collect();
            Ok(Answer::ok(json!({ "value": groups })))
        }
        [subscription, "resourcegroups", group] => {
            Ok(Answer::ok(group_document(subscription, group_name(cloud, call, subscription, group)?)))
        }
        [subscription, "resourcegroups", group, "providers", namespace, kind, rest @ ..] => {
            versions::check(namespace, kind, rest, version)?;
            group_name(cloud, call, subscription, group)?;
            let prefix = format!("/subscriptions/{subscription}/resourcegroups/{group}/");
            in_provider(cloud, call, namespace, kind, rest, &prefix)
        }
        [_, "providers", namespace, "locations", _, kind, id] => {
            versions::check(namespace, "locations", &[], version)?;
            match *kind {
                "operations" if call.flag("monitor") => result(cloud, call, id),
                "operations" | "operationstatuses" => status(cloud, call, id),
                "operationresults" => result(cloud, call, id),
                _ => Err(Answer::no_route(&call.path)),
            }
        }
        [subscription, "providers", namespace, kind] => {
            versions::check(namespace, kind, &[], version)?;
            let prefix = format!("/subscriptions/{subscription}/resourcegroups/");
            in_provider(cloud, call, namespace, kind, &[], &prefix)
        }
        _ => Err(Answer::no_route(&call.path)),
    }
}

/// `prefix` begins the keys of all resources of the requested scope.
fn in_provider(
    cloud: &mut Cloud,
    call: &Call,
    namespace: &str,
    kind: &str,
    rest: &[&str],
    prefix: &str,
) -> Answered {
    let answer = match (namespace, kind) {
        ("microsoft.compute", "availabilitysets") => availability_sets::answer,
        ("microsoft.compute", "virtualmachines") => virtual_machines::answer,
        ("microsoft.compute", "virtualmachinescalesets") => scale_sets::answer,
        ("microsoft.network", "networkinterfaces") => interfaces::answer,
        ("microsoft.network", "networksecuritygroups") => security_groups::answer,
        ("microsoft.network", "virtualnetworks") => subnets::answer,
        ("microsoft.chaos", "experiments") => experiments::answer,
        ("microsoft.insights", "autoscalesettings") => autoscale::answer,
        _ => return Err(Answer::no_route(&call.path)),
    };
    answer(cloud, call, rest, prefix)
}

fn group_name<'a>(cloud: &'a Cloud, call: &Call, subscription: &str, group: &str) -> Result<&'a str, Answer> {
    let found = cloud.subscriptions.get(subscription).and_then(|subscription| subscription.groups.get(group));
    found.map(String::as_str).ok_or_else(|| {
        let name = call.segments.get(3).map_or(group, String::as_str);
        Answer::error(404, "ResourceGroupNotFound", format!("Resource group '{name}' could not be found."))
    })
}

/// The permissions of the caller at a scope.
fn permissions(cloud: &Cloud, call: &Call, scope: &[&str]) -> Answered {
    if call.method != Method::GET {
        return Err(Answer::no_route(&call.path));
    }
    if let ["subscriptions", subscription, "resourcegroups", group, ..] = scope {
        group_name(cloud, call, subscription, group)?;
    }
    Ok(Answer::ok(cloud.role.permissions_at(&call.id_up_to(scope.len()))))
}

/// The subscriptions in which the role allows anything.
fn visible(cloud: &Cloud) -> Vec<Value> {
    cloud
        .subscriptions
        .values()
        .filter(|subscription| subscription.tenant == Directory::TENANT)
        .filter(|subscription| {
            let scope = format!("/subscriptions/{}", subscription.id);
            cloud.role.allows("Microsoft.Resources/subscriptions/read", &scope)
        })
        .map(|subscription| subscription_document(cloud, &subscription.id))
        .collect()
}

fn subscription_document(cloud: &Cloud, id: &str) -> Value {
    let tenant =
        cloud.subscriptions.get(&id.to_lowercase()).map_or("", |subscription| subscription.tenant.as_str());
    json!({
        "id": format!("/subscriptions/{id}"),
        "subscriptionId": id,
        "tenantId": tenant,
        "displayName": id,
        "state": "Enabled",
    })
}

fn group_document(subscription: &str, name: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{subscription}/resourceGroups/{name}"),
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": "westeurope",
        "properties": { "provisioningState": "Succeeded" },
    })
}

/// The answer at the address in `Azure-AsyncOperation`.
fn status(cloud: &mut Cloud, call: &Call, id: &str) -> Answered {
    let retry_after = cloud.settings.retry_after_seconds.to_string();
    let operation = asked_about(cloud, call, id)?;
    let answer = Answer::ok(operation.document());
    Ok(if operation.is_over() { answer } else { answer.header("retry-after", retry_after) })
}

/// The answer at the address in `Location`.
fn result(cloud: &mut Cloud, call: &Call, id: &str) -> Answered {
    let retry_after = cloud.settings.retry_after_seconds.to_string();
    let endpoint = cloud.endpoint.clone();
    let operation = asked_about(cloud, call, id)?;
    Ok(match &operation.status {
        Status::InProgress => {
            let place = format!("{endpoint}{}", operation.provider.result_place(operation));
            Answer::empty(202).header("location", place).header("retry-after", retry_after)
        }
        Status::Succeeded => operation.output.clone().map_or_else(|| Answer::empty(200), Answer::ok),
        Status::Failed(Failure { code, message, .. }) => Answer::conflict(code, message.as_str()),
        Status::Canceled => Answer::json(409, json!({ "error": operation.error() })),
    })
}

fn asked_about<'a>(
    cloud: &'a mut Cloud,
    call: &Call,
    id: &str,
) -> Result<&'a super::operation::Operation, Answer> {
    if call.method != Method::GET {
        return Err(Answer::no_route(&call.path));
    }
    cloud
        .poll(id)
        .ok_or_else(|| Answer::error(404, "NotFound", format!("The operation '{id}' was not found.")))
}
