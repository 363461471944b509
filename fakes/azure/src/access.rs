//! Permissions: the action of a request, roles, and ARM's refusals.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{answer::Answer, call::Call, directory::Directory, trouble::wild};

/// The permissions of the caller, in the form of a role definition of Azure.
///
/// At first, the caller is an [`owner`](Self::owner) everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Role {
    /// Patterns like `Microsoft.Compute/*/read`, in either case.
    pub actions: Vec<String>,
    /// Patterns of the actions that are excluded from them.
    #[serde(default)]
    pub not_actions: Vec<String>,
    /// The scopes: ids of subscriptions, groups or resources, with everything below them; `/` is everywhere.
    #[serde(default = "everywhere")]
    pub scopes: Vec<String>,
}

impl Role {
    /// Everything, everywhere.
    pub fn owner() -> Self {
        Self::new(["*"])
    }

    /// These actions, everywhere.
    pub fn new(actions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            actions: actions.into_iter().map(Into::into).collect(),
            not_actions: Vec::new(),
            scopes: everywhere(),
        }
    }

    /// The permissions of a role definition, as `az role definition create` takes it (`Actions`, `NotActions`) or as
    /// the REST API does (`properties.permissions`), everywhere. The assignable scopes of a definition are not the
    /// scope of an assignment.
    ///
    /// # Errors
    ///
    /// The missing field.
    pub fn from_definition(definition: &Value) -> Result<Self, String> {
        let permissions = definition.pointer("/properties/permissions/0").unwrap_or(definition);
        let list = |names: [&str; 2]| {
            names.iter().find_map(|name| permissions.get(name)).and_then(Value::as_array).map(|entries| {
                entries.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
            })
        };
        let actions = list(["Actions", "actions"]).ok_or("a role definition must have 'Actions'")?;
        let not_actions = list(["NotActions", "notActions"]).unwrap_or_default();
        Ok(Self { actions, not_actions, scopes: everywhere() })
    }

    /// Only at this scope.
    #[must_use]
    pub fn within(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Without this action.
    #[must_use]
    pub fn without(mut self, action: impl Into<String>) -> Self {
        self.not_actions.push(action.into());
        self
    }

    pub(crate) fn allows(&self, action: &str, scope: &str) -> bool {
        self.actions.iter().any(|pattern| wild(pattern, action))
            && !self.not_actions.iter().any(|pattern| wild(pattern, action))
            && self.is_held_at(scope)
    }

    /// The answer of the permissions API at a scope: the rights that are enforced there, or nothing if the role is not
    /// held there.
    pub(crate) fn permissions_at(&self, scope: &str) -> Value {
        let held = json!({
            "actions": self.actions, "notActions": self.not_actions, "dataActions": [], "notDataActions": [],
        });
        json!({ "value": if self.is_held_at(scope) { vec![held] } else { Vec::new() } })
    }

    fn is_held_at(&self, scope: &str) -> bool {
        let scope = format!("{}/", scope.to_lowercase().trim_end_matches('/'));
        let mut scopes = self.scopes.iter();
        scopes.any(|within| scope.starts_with(&format!("{}/", within.to_lowercase().trim_end_matches('/'))))
    }
}

/// The action and the scope of a request, in the terms of Azure's access control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Like `Microsoft.Compute/virtualMachines/powerOff/action`.
    pub(crate) action: String,
    /// The id of its resource.
    pub(crate) scope: String,
}

impl Asked {
    /// `None` for a request that needs no permission.
    pub(crate) fn of(call: &Call) -> Option<Self> {
        let verb = match call.method.as_str() {
            "GET" | "HEAD" => "read",
            "PUT" | "PATCH" => "write",
            "DELETE" => "delete",
            _ => "action",
        };
        // The last one counts, because the operation on a resource comes after it.
        let Some(at) = call.segments.iter().rposition(|segment| segment.eq_ignore_ascii_case("providers"))
        else {
            return Self::of_resources(call, verb);
        };
        // A query of a tenant is open to all; its answer has what the caller may read.
        if at == 0 {
            return None;
        }
        let namespace = call.segments.get(at + 1)?;
        let rest = call.segments.get(at + 2..)?;
        let kinds: Vec<&str> = rest.iter().step_by(2).map(String::as_str).collect();
        // The scope of a collection is the resource that contains it. The scope of anything else is the resource that
        // is named last.
        let scope = match rest.len() {
            0 | 1 => call.id_up_to(at),
            length => call.id_up_to(at + 2 + length - length % 2),
        };
        Some(Self { action: format!("{namespace}/{}/{verb}", kinds.join("/")), scope })
    }

    fn of_resources(call: &Call, verb: &str) -> Option<Self> {
        let kind = match call.segments.len() {
            2 => "Microsoft.Resources/subscriptions",
            3 | 4 => "Microsoft.Resources/subscriptions/resourceGroups",
            _ => return None,
        };
        let scope = call.id_up_to(if call.segments.len() == 3 { 2 } else { call.segments.len() });
        Some(Self { action: format!("{kind}/{verb}"), scope })
    }

    /// 403, in ARM's words.
    pub(crate) fn refusal(&self) -> Answer {
        let (client, object) = (Directory::CLIENT, Directory::OBJECT);
        Answer::error(
            403,
            "AuthorizationFailed",
            format!(
                "The client '{client}' with object id '{object}' does not have authorization to perform action '{}' \
                 over scope '{}' or the scope is invalid. If access was recently granted, please refresh your \
                 credentials.",
                self.action, self.scope
            ),
        )
    }
}

/// 403 for an action on another resource that a request names.
pub(crate) fn linked_refusal(asked: &Asked, linked_action: &str, linked_scope: &str) -> Answer {
    let (client, object) = (Directory::CLIENT, Directory::OBJECT);
    Answer::error(
        403,
        "LinkedAuthorizationFailed",
        format!(
            "The client '{client}' with object id '{object}' has permission to perform action '{}' on scope '{}'; \
             however, it does not have permission to perform action(s) '{linked_action}' on the linked scope(s) \
             '{linked_scope}' (respectively) or the linked scope(s) are invalid.",
            asked.action, asked.scope
        ),
    )
}

fn everywhere() -> Vec<String> {
    vec!["/".to_owned()]
}

#[cfg(test)]
mod tests {
    use hyper::{HeaderMap, Method};

    use super::*;

    #[test]
    fn the_action_of_a_request_is_the_one_that_azure_names() {
        let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";
        for (method, path, action, scope) in [
            (Method::POST, format!("{vm}/powerOff"), "Microsoft.Compute/virtualMachines/powerOff/action", vm),
            (
                Method::GET,
                format!("{vm}/instanceView"),
                "Microsoft.Compute/virtualMachines/instanceView/read",
                vm,
            ),
            (Method::GET, vm.to_owned(), "Microsoft.Compute/virtualMachines/read", vm),
            (
                Method::GET,
                "/subscriptions/s/providers/Microsoft.Compute/virtualMachines".to_owned(),
                "Microsoft.Compute/virtualMachines/read",
                "/subscriptions/s",
            ),
            (
                Method::GET,
                format!("{vm}/providers/Microsoft.Authorization/permissions"),
                "Microsoft.Authorization/permissions/read",
                vm,
            ),
            (
                Method::GET,
                "/subscriptions/s/resourcegroups".to_owned(),
                "Microsoft.Resources/subscriptions/resourceGroups/read",
                "/subscriptions/s",
            ),
        ] {
            let asked = Asked::of(&Call::new(method, &path, "", HeaderMap::new(), b"")).unwrap();
            assert_eq!((asked.action.as_str(), asked.scope.as_str()), (action, scope));
        }
    }

    #[test]
    fn a_role_allows_what_it_names_below_its_scopes() {
        let role = Role::new(["Microsoft.Compute/*/read"])
            .without("Microsoft.Compute/disks/read")
            .within(["/subscriptions/s/resourceGroups/Shop"]);
        let vms = "Microsoft.Compute/virtualMachines/read";
        assert!(role.allows(vms, "/subscriptions/s/resourcegroups/shop/providers/x"));
        assert!(role.allows(vms, "/subscriptions/s/resourcegroups/shop"));
        assert!(!role.allows(vms, "/subscriptions/s/resourcegroups/shopping"));
        assert!(!role.allows(vms, "/subscriptions/s"));
        assert!(!role.allows("Microsoft.Compute/disks/read", "/subscriptions/s/resourcegroups/shop"));
    }

    #[test]
    fn both_forms_of_a_definition_are_read() {
        let of_cli = serde_json::json!({ "Name": "x", "Actions": ["a/read"], "NotActions": ["b/read"] });
        let of_rest = serde_json::json!({ "properties": { "permissions": [
            { "actions": ["a/read"], "notActions": ["b/read"] }
        ] } });
        let role = Role::from_definition(&of_cli).unwrap();
        assert_eq!(role, Role::from_definition(&of_rest).unwrap());
        assert_eq!(role, Role::new(["a/read"]).without("b/read"));
        assert!(Role::from_definition(&serde_json::json!({})).is_err());
    }
}
