//! Which request leads where.

use hyper::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Answered},
    call::Call,
    cloud::Cloud,
    compute::{availability_sets, virtual_machines},
    operation::Status,
    versions,
};

/// Answers a request of Azure Resource Manager.
pub(crate) fn answer(cloud: &mut Cloud, call: &Call) -> Answer {
    routed(cloud, call).unwrap_or_else(|refusal| refusal)
}

fn routed(cloud: &mut Cloud, call: &Call) -> Answered {
    let lower: Vec<String> = call.segments.iter().map(|segment| segment.to_lowercase()).collect();
    let path: Vec<&str> = lower.iter().map(String::as_str).collect();
    let Some(version) = call.parameter("api-version") else {
        return Err(Answer::bad_request(
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        ));
    };
    match path.as_slice() {
        ["subscriptions", subscription, rest @ ..] => {
            if !cloud.subscriptions.contains_key(*subscription) {
                let name = &call.segments[1];
                return Err(Answer::error(
                    404,
                    "SubscriptionNotFound",
                    format!("The subscription '{name}' could not be found."),
                ));
            }
            match rest {
                ["resourcegroups", group, "providers", namespace, kind, rest @ ..] => {
                    versions::check(namespace, kind, version)?;
                    if !cloud.subscriptions[*subscription].groups.contains_key(*group) {
                        let name = &call.segments[3];
                        return Err(Answer::error(
                            404,
                            "ResourceGroupNotFound",
                            format!("Resource group '{name}' could not be found."),
                        ));
                    }
                    let prefix = format!("/subscriptions/{subscription}/resourcegroups/{group}/");
                    in_provider(cloud, call, namespace, kind, rest, &prefix)
                }
                ["providers", namespace, "locations", _location, "operations" | "operationresults", id] => {
                    versions::check(namespace, "locations", version)?;
                    operation(cloud, call, id)
                }
                ["providers", namespace, kind] => {
                    versions::check(namespace, kind, version)?;
                    let prefix = format!("/subscriptions/{subscription}/resourcegroups/");
                    in_provider(cloud, call, namespace, kind, &[], &prefix)
                }
                _ => Err(Answer::no_route(&call.path)),
            }
        }
        _ => Err(Answer::no_route(&call.path)),
    }
}

/// `prefix` begins the keys of all resources of the scope that was asked about.
fn in_provider(
    cloud: &mut Cloud,
    call: &Call,
    namespace: &str,
    kind: &str,
    rest: &[&str],
    prefix: &str,
) -> Answered {
    match (namespace, kind) {
        ("microsoft.compute", "availabilitysets") => availability_sets::answer(cloud, call, rest, prefix),
        ("microsoft.compute", "virtualmachines") => virtual_machines::answer(cloud, call, rest, prefix),
        _ => Err(Answer::no_route(&call.path)),
    }
}

/// What is behind `Azure-AsyncOperation` and, with `monitor=true`, behind `Location`.
fn operation(cloud: &mut Cloud, call: &Call, id: &str) -> Answered {
    if call.method != Method::GET {
        return Err(Answer::no_route(&call.path));
    }
    let retry_after = cloud.settings.retry_after_seconds.to_string();
    let Some(operation) = cloud.poll(id) else {
        return Err(Answer::error(404, "NotFound", format!("The operation '{id}' was not found.")));
    };
    let document = operation.document();
    if !call.flag("monitor") {
        let answer = Answer::ok(document);
        return Ok(if operation.is_over() { answer } else { answer.header("retry-after", retry_after) });
    }
    Ok(match &operation.status {
        Status::InProgress => {
            let place = format!("{}{}?{}", cloud.endpoint, call.path, raw_query(call));
            Answer::empty(202).header("location", place).header("retry-after", retry_after)
        }
        Status::Succeeded => operation.output.clone().map_or_else(|| Answer::empty(200), Answer::ok),
        Status::Failed { code, message } => Answer::error(409, code, message.as_str()),
        Status::Canceled => {
            Answer::json(409, json!({ "error": document.get("error").unwrap_or(&Value::Null) }))
        }
    })
}

fn raw_query(call: &Call) -> String {
    let pairs: Vec<String> = call.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join("&")
}
