//! Documents of ARM that are written back completely.

use serde_json::Value;

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
