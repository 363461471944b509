//! Refusals in ARM's words.

use super::{answer::Answer, call::Call};

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
