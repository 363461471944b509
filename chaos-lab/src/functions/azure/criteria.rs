//! Which instances of a scale set an action asks for.

use serde_json::Value;

/// Whether an instance fits one of the mappings. `name` is the last part of its id, and `set` the name of its scale
/// set.
pub(super) fn fits(criteria: &[Value], set: &str, name: &str) -> bool {
    let fits_one = |(key, wanted): (&String, &Value)| {
        let wanted = match wanted {
            Value::String(text) => text.to_lowercase(),
            other => other.to_string(),
        };
        match key.as_str() {
            "instance_id" => wanted == name,
            // In the uniform mode, the name of an instance is made of both.
            "name" => wanted == name || wanted == format!("{set}_{name}"),
            _ => false,
        }
    };
    criteria.iter().any(|one| one.as_object().is_some_and(|fields| fields.iter().all(fits_one)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_instance_fits_by_its_number_or_its_name() {
        for (criteria, fits_it) in [
            (json!([{ "instance_id": "3" }]), true),
            (json!([{ "instance_id": 3 }]), true),
            (json!([{ "name": "API_3" }]), true),
            (json!([{ "name": "3" }]), true),
            (json!([{ "name": "api_3", "instance_id": "4" }]), false),
            (json!([{ "instance_id": "4" }, { "name": "api_3" }]), true),
            (json!([{ "sku": "small" }]), false),
            (json!([]), false),
        ] {
            assert_eq!(fits(criteria.as_array().unwrap(), "api", "3"), fits_it, "{criteria}");
        }
    }
}
