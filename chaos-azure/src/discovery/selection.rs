//! The sets to list, and the machines that may be chosen.

use std::collections::{BTreeMap, BTreeSet};

use chaos_core::{
    GroupId,
    group::Labels,
    listing::{Consent, NamePattern},
    provider::GroupFilter,
};

use crate::model::set_path::SetPath;

/// The selection of a provider. The default is everything in its subscriptions.
///
/// Names, resource groups and the keys of tags are in lower case: Azure tells none from the other by its case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) resource_groups: BTreeSet<String>,
    pub(crate) names: BTreeSet<String>,
    pub(crate) patterns: Vec<NamePattern>,
    /// A tag, and its allowed values.
    pub(crate) tags: BTreeMap<String, BTreeSet<String>>,
    pub(crate) tag_keys: BTreeSet<String>,
    pub(crate) consent: Consent,
    pub(crate) protected_too: bool,
}

impl Selection {
    /// Whether it selects sets by their ids or tags.
    pub(crate) fn names_any(&self) -> bool {
        !(self.names.is_empty()
            && self.patterns.is_empty()
            && self.resource_groups.is_empty()
            && self.tags.is_empty()
            && self.tag_keys.is_empty())
    }

    /// Whether the set at this place and with these tags is to be listed.
    pub(crate) fn passes(&self, path: &SetPath, tags: &Labels) -> bool {
        let is_any = self.names.is_empty() && self.patterns.is_empty();
        let is_named = is_any
            || self.names.contains(&path.name)
            || self.patterns.iter().any(|pattern| pattern.matches(&path.name));
        let is_in_place =
            self.resource_groups.is_empty() || self.resource_groups.contains(&path.resource_group);
        let values = |wanted: &String| {
            let mut found = tags.iter().filter(|(key, _)| key.to_lowercase() == *wanted);
            found.next().map(|(_, value)| value)
        };
        is_named
            && is_in_place
            && self.tag_keys.iter().all(|key| values(key).is_some())
            && self.tags.iter().all(|(key, wanted)| values(key).is_some_and(|value| wanted.contains(value)))
    }
}

/// The subscriptions in which a set may pass `filter`. ARM is not asked about the others.
pub(crate) fn subscriptions_of(scheme: &str, listed: &[String], filter: &GroupFilter) -> Vec<String> {
    let Some(names) = filter.names() else { return listed.to_vec() };
    let named: BTreeSet<String> = names
        .iter()
        .filter_map(|text| {
            // A name that is not an id of this provider may still be a path. Any other name matches nothing.
            let is_own = text.strip_prefix(scheme).is_some_and(|rest| rest.starts_with(':'));
            let id: GroupId = if is_own { text.parse().ok()? } else { GroupId::new(scheme, text).ok()? };
            SetPath::parse(scheme, &id).ok().map(|path| path.subscription)
        })
        .collect();
    listed.iter().filter(|subscription| named.contains(*subscription)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "11111111-1111-4111-8111-111111111111";
    const OTHER: &str = "22222222-2222-4222-8222-222222222222";

    fn path(group: &str, name: &str) -> SetPath {
        SetPath { subscription: ONE.to_owned(), resource_group: group.to_owned(), name: name.to_owned() }
    }

    fn tags(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_set_must_pass_all_that_is_said() {
        let mut selection = Selection::default();
        assert!(selection.passes(&path("shop", "web"), &Labels::new()));
        selection.names.insert("web".to_owned());
        selection.patterns.push(NamePattern::new("db-*".to_owned()).unwrap());
        selection.resource_groups.insert("shop".to_owned());
        selection.tags.insert("team".to_owned(), BTreeSet::from(["Shop".to_owned(), "till".to_owned()]));
        selection.tag_keys.insert("tier".to_owned());
        let right = tags(&[("Team", "till"), ("TIER", "")]);
        assert!(selection.passes(&path("shop", "web"), &right));
        assert!(selection.passes(&path("shop", "db-1"), &right));
        assert!(!selection.passes(&path("shop", "web2"), &right));
        assert!(!selection.passes(&path("till", "web"), &right));
        assert!(!selection.passes(&path("shop", "web"), &tags(&[("team", "till")])));
        assert!(!selection.passes(&path("shop", "web"), &tags(&[("team", "shop"), ("tier", "")])));
    }

    #[test]
    fn only_subscriptions_that_a_filter_names_are_asked() {
        let listed = [ONE.to_owned(), OTHER.to_owned()];
        let asked = |filter: &GroupFilter| subscriptions_of("azure-avset", &listed, filter);
        assert_eq!(asked(&GroupFilter::all()), listed);
        assert_eq!(asked(&GroupFilter::all().name(format!("{OTHER}/shop/web"))), [OTHER]);
        assert_eq!(asked(&GroupFilter::all().name(format!("azure-avset:{ONE}/shop/web"))), [ONE]);
        assert_eq!(asked(&GroupFilter::only(Vec::<String>::new())), [""; 0], "an empty list is nobody");
        for nowhere in ["web", "azure-vmss:x/y/z", "shop/web", "33333333-3333-4333-8333-333333333333/a/b"] {
            assert_eq!(asked(&GroupFilter::all().name(nowhere)), [""; 0], "{nowhere}");
        }
    }
}
