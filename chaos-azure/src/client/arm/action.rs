use azure_core::http::Method;

/// The action that a role must allow for this request, such as `Microsoft.Compute/virtualMachines/powerOff/action`.
///
/// ARM derives it from the path: the resource provider, the kinds of resources up to the last one, and the operation on
/// it.
pub(crate) fn action(method: Method, path: &str) -> String {
    let Some((provider, rest)) = below_provider(path) else { return format!("{} {path}", method.as_str()) };
    // Kinds and names alternate; the operation of a POST comes last, and has no name.
    let kinds: Vec<&str> = rest.into_iter().step_by(2).collect();
    let what = match method {
        Method::Put | Method::Patch => "write",
        Method::Delete => "delete",
        Method::Post => "action",
        _ => "read",
    };
    format!("{provider}/{}/{what}", kinds.join("/"))
}

/// Whether a listing is at this path: a kind, and no name after it.
pub(super) fn is_listing(path: &str) -> bool {
    below_provider(path).is_some_and(|(_, rest)| rest.len() % 2 == 1)
}

/// The last resource provider of a path, and what follows it.
fn below_provider(path: &str) -> Option<(&str, Vec<&str>)> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let at = segments.iter().rposition(|segment| segment.eq_ignore_ascii_case("providers"))?;
    Some((segments.get(at + 1)?, segments[at + 2..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_ends_in_a_kind() {
        let group = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute";
        for (path, expected) in [
            (format!("{group}/virtualMachines"), true),
            (format!("{group}/virtualMachines/web-0"), false),
            (format!("{group}/virtualMachineScaleSets/web/virtualMachines"), true),
            (format!("{group}/virtualMachines/web-0/providers/Microsoft.Authorization/permissions"), true),
            (
                "/subscriptions/s/providers/Microsoft.Compute/locations/westeurope/operations/1".to_owned(),
                false,
            ),
            ("/subscriptions".to_owned(), false),
        ] {
            assert_eq!(is_listing(&path), expected, "{path}");
        }
    }

    #[test]
    fn actions_are_named_after_paths() {
        let group = "/subscriptions/s/resourceGroups/g/providers";
        for (method, path, expected) in [
            (
                Method::Get,
                "/subscriptions/s/providers/Microsoft.Compute/virtualMachines",
                "Microsoft.Compute/virtualMachines/read",
            ),
            (
                Method::Post,
                "Microsoft.Compute/virtualMachines/web-0/powerOff",
                "Microsoft.Compute/virtualMachines/powerOff/action",
            ),
            (
                Method::Delete,
                "Microsoft.Compute/virtualMachineScaleSets/web/virtualMachines/0",
                "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/delete",
            ),
            (
                Method::Put,
                "Microsoft.Network/networkSecurityGroups/web/securityRules/r",
                "Microsoft.Network/networkSecurityGroups/securityRules/write",
            ),
            (
                Method::Get,
                "/subscriptions/s/providers/Microsoft.Compute/locations/westeurope/operations/1",
                "Microsoft.Compute/locations/operations/read",
            ),
            (Method::Get, "/subscriptions", "GET /subscriptions"),
        ] {
            let path = if path.starts_with('/') { path.to_owned() } else { format!("{group}/{path}") };
            assert_eq!(action(method, &path), expected, "{path}");
        }
    }
}
