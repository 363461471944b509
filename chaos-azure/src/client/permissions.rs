//! `Microsoft.Authorization/permissions`: the permissions of this program, without using them.

use std::{collections::BTreeMap, sync::Arc};

use chaos_core::{
    Error, ErrorKind, Result,
    clock::Clock,
    listing::{Together, pages},
};
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use serde::Deserialize;

use crate::client::arm::Arm;

const API_VERSION: &str = "2022-04-01";

/// The number of scopes that are checked at a time.
const AT_A_TIME: usize = 4;

/// An action of a role, and the resource for which it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Needed {
    pub(crate) action: String,
    pub(crate) scope: String,
}

/// The requests of `Microsoft.Authorization` that this crate makes.
#[derive(Debug)]
pub(crate) struct Permissions {
    asking: Asking,
    looks: Together<String, Arc<Vec<Held>>>,
}

#[derive(Clone, Debug)]
struct Asking {
    arm: Arc<Arm>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    value: Vec<Held>,
    #[serde(default)]
    next_link: Option<String>,
}

/// The actions that one role assignment allows: patterns in which `*` stands for any characters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Held {
    actions: Vec<String>,
    not_actions: Vec<String>,
}

impl Needed {
    pub(crate) fn new(action: impl Into<String>, scope: impl Into<String>) -> Self {
        Self { action: action.into(), scope: scope.into() }
    }
}

impl Permissions {
    pub(crate) fn new(arm: Arc<Arm>, clock: Arc<dyn Clock>) -> Self {
        Self { asking: Asking { arm }, looks: Together::new(clock) }
    }

    /// Checks that all of this is allowed. Concurrent callers for a scope share the answer.
    ///
    /// # Errors
    /// `Denied` with the first missing action and its scope; the errors of Azure if it cannot tell.
    pub(crate) async fn require(&self, needed: &[Needed]) -> Result<()> {
        let mut scopes: BTreeMap<String, Vec<&Needed>> = BTreeMap::new();
        for needed in needed {
            scopes.entry(needed.scope.to_lowercase()).or_default().push(needed);
        }
        let asked: Vec<BoxFuture<'_, Result<()>>> =
            scopes.into_values().map(|needed| self.at_one(needed).boxed()).collect();
        stream::iter(asked).buffered(AT_A_TIME).try_collect().await
    }

    async fn at_one(&self, needed: Vec<&Needed>) -> Result<()> {
        let Some(scope) = needed.first().map(|needed| needed.scope.clone()) else { return Ok(()) };
        let (asking, at) = (self.asking.clone(), scope.clone());
        let look = || async move { asking.held_at(&at).await.map(Arc::new) };
        let held = self.looks.ask(scope.to_lowercase(), look).await.map_err(|error| {
            let what = "Azure could not be asked whether this program may undo the fault";
            Error::new(error.kind(), what).with("scope", &scope).caused_by(error)
        })?;
        let missing = needed.into_iter().find(|needed| !held.iter().any(|held| held.allows(&needed.action)));
        let Some(missing) = missing else { return Ok(()) };
        Err(Error::new(ErrorKind::Denied, "access denied: a role must allow this action")
            .with("missing", &missing.action)
            .with("scope", &scope))
    }
}

impl Asking {
    async fn held_at(&self, scope: &str) -> Result<Vec<Held>> {
        let path = format!("{scope}/providers/Microsoft.Authorization/permissions");
        let first = self.arm.at(&path, API_VERSION);
        let fetch = |next: Option<String>| {
            let (arm, first) = (Arc::clone(&self.arm), first.clone());
            async move {
                let at = next.map_or(Ok(first), |address| arm.given(&address))?;
                let page: Page = arm.get(at).await?.read()?;
                Ok((page.value, page.next_link))
            }
        };
        let found: Vec<Vec<Held>> = Box::pin(pages(fetch)).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }
}

impl Held {
    fn allows(&self, action: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        any(&self.actions) && !any(&self.not_actions)
    }
}

/// Ignores case.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_lowercase(), action.to_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = action.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_any_characters() {
        for (pattern, action, expected) in [
            ("*", "A/b/start/action", true),
            ("A/b/start/action", "a/B/start/action", true),
            ("A/b/start", "A/b/start/action", false),
            ("*/action", "A/b/start/action", true),
            ("*/read", "A/b/start/action", false),
            ("A/*/action", "A/b/start/action", true),
            ("A/*", "B/b/start/action", false),
            ("A/*/start/*", "A/b/start/action", true),
            ("A/*/stop/*", "A/b/start/action", false),
            ("A/b*b/action", "A/b/action", false),
        ] {
            assert_eq!(matches(pattern, action), expected, "{pattern} {action}");
        }
    }

    #[test]
    fn what_one_role_leaves_out_another_may_allow() {
        let held = |actions: &[&str], not_actions: &[&str]| Held {
            actions: actions.iter().map(|&text| text.to_owned()).collect(),
            not_actions: not_actions.iter().map(|&text| text.to_owned()).collect(),
        };
        assert!(!held(&["*"], &["A/*/start/action"]).allows("A/b/start/action"));
        assert!(held(&["*"], &["A/*/start/action"]).allows("A/b/powerOff/action"));
        assert!(!held(&[], &[]).allows("A/b/read"));
    }

    #[test]
    fn an_assignment_that_does_not_say_what_it_leaves_out_is_none() {
        assert!(serde_json::from_str::<Page>(r#"{"value":[{"actions":["*"]}]}"#).is_err());
        assert!(serde_json::from_str::<Page>(r#"{}"#).is_err());
    }
}
