//! Refusals in ARM's words.

use serde_json::Value;

use super::{answer::Answer, call::Call, cloud::Cloud, resource_id::ResourceId};

/// 404 for a resource that is not in its group.
pub(crate) fn resource_not_found(call: &Call) -> Answer {
    let group = call.segments.get(3).map_or("", String::as_str);
    let kind = call.segments.get(5).map_or("", String::as_str);
    let path = call.segments.get(6..8.min(call.segments.len())).unwrap_or_default().join("/");
    Answer::error(
        404,
        "ResourceNotFound",
        format!(
            "The Resource '{kind}/{path}' under resource group '{group}' was not found. For more details please go to \
             https://aka.ms/ARMResourceNotFoundFix"
        ),
    )
}

/// 404 of a provider for a resource below another.
pub(crate) fn sub_resource_not_found(call: &Call) -> Answer {
    Answer::error(404, "NotFound", format!("Resource {} not found.", call.id_up_to(call.segments.len())))
}

/// 404 for a change below a resource that does not exist; `verb` is `write` or `delete`.
pub(crate) fn parent_not_found(call: &Call, verb: &str) -> Answer {
    let kind = call.segments.get(6).map_or("", String::as_str);
    let child = call.segments.get(8).map_or("", String::as_str);
    Answer::error(
        404,
        "ParentResourceNotFound",
        format!(
            "Failed to perform '{verb}' on resource(s) of type '{kind}/{child}', because the parent resource '{}' \
             could not be found.",
            call.id_up_to(8)
        ),
    )
}

/// 412 if `If-Match` names another version; `etag` is empty if there is none.
pub(crate) fn check_etag(call: &Call, etag: &str) -> Result<(), Answer> {
    match call.header("if-match") {
        Some("*") if !etag.is_empty() => Ok(()),
        Some(wanted) if wanted != etag => Err(Answer::error(
            412,
            "PreconditionFailed",
            format!("Precondition failed: the etag is {etag}, not {wanted}."),
        )),
        _ => Ok(()),
    }
}

/// 409 while another operation changes a resource.
pub(crate) fn check_operation(cloud: &Cloud, operation: Option<&String>) -> Result<(), Answer> {
    let Some(operation) = operation.and_then(|id| cloud.operations.get(id)).filter(|it| !it.is_over()) else {
        return Ok(());
    };
    Err(Answer::conflict(
        "AnotherOperationInProgress",
        format!(
            "Another operation on this or dependent resource is in progress. To retrieve status of the operation use \
             uri: {}{}.",
            cloud.endpoint,
            operation.provider.status_place(operation)
        ),
    ))
}

/// 400 if a `PUT` moves a resource, or does not name its location.
pub(crate) fn wrong_location(id: &ResourceId, location: &str, body: &Value) -> Answer {
    match body.get("location").and_then(Value::as_str) {
        None => {
            Answer::bad_request("LocationRequired", "The location property is required for this definition.")
        }
        Some(asked) => Answer::conflict(
            "InvalidResourceLocation",
            format!(
                "The resource '{}' already exists in location '{location}' in resource group '{}'. A resource with \
                 the same name cannot be created in location '{asked}'. Please select a new resource name.",
                id.name(),
                id.group()
            ),
        ),
    }
}
