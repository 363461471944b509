//! Documents of ARM that are written back completely.

use serde_json::Value;

/// The state of the last change of a resource. A document shows the change from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastChange {
    Done,
    /// It may still fail.
    UnderWay,
    Failed,
}

impl LastChange {
    pub(super) fn of(document: &Value) -> Self {
        match document["properties"]["provisioningState"].as_str() {
            None | Some("Succeeded") => Self::Done,
            Some("Failed" | "Canceled") => Self::Failed,
            Some(_) => Self::UnderWay,
        }
    }
}

/// Removes the fields that Azure sets itself, each named as a JSON pointer.
pub(super) fn remove(document: &mut Value, fields: &[&str]) {
    for field in fields {
        let (parent, name) = field.rsplit_once('/').unwrap_or(("", field));
        let parent = if parent.is_empty() { Some(&mut *document) } else { document.pointer_mut(parent) };
        if let Some(parent) = parent.and_then(Value::as_object_mut) {
            parent.remove(name);
        }
    }
}
