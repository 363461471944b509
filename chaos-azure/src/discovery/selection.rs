//! The sets to list, and the machines that may be chosen.

use std::collections::BTreeSet;

use chaos_core::{group::Labels, listing, provider::GroupFilter};

use crate::model::set_path::SetPath;

/// The selection of a provider. The default is everything in its subscriptions.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// In lower case, because Azure ignores case in names.
    pub(crate) resource_groups: BTreeSet<String>,
    pub(crate) groups: listing::Selection,
    pub(crate) protected_too: bool,
}

impl Default for Selection {
    fn default() -> Self {
        let groups = listing::Selection::ignoring_case();
        Self { resource_groups: BTreeSet::new(), groups, protected_too: false }
    }
}

impl Selection {
    /// Whether it selects sets by their ids or tags.
    pub(crate) fn names_any(&self) -> bool {
        !self.resource_groups.is_empty() || self.groups.is_narrowed()
    }

    /// Whether the set at this place and with these tags is to be listed.
    pub(crate) fn passes(&self, path: &SetPath, tags: &Labels) -> bool {
        let is_in_place =
            self.resource_groups.is_empty() || self.resource_groups.contains(&path.resource_group);
        is_in_place && self.groups.passes(&path.name, tags)
    }
}

/// The subscriptions in which a set may pass `filter`. ARM is not asked about the others.
pub(crate) fn subscriptions_of(scheme: &str, listed: &[String], filter: &GroupFilter) -> Vec<String> {
    let Some(ids) = filter.ids(scheme) else { return listed.to_vec() };
    let paths = ids.iter().filter_map(|id| SetPath::parse(scheme, id).ok());
    let named: BTreeSet<String> = paths.map(|path| path.subscription).collect();
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
        selection.groups = selection
            .groups
            .name("web")
            .names_like("db-*")
            .tag("team", "Shop")
            .tag("team", "till")
            .tag_key("tier");
        selection.resource_groups.insert("shop".to_owned());
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
        assert_eq!(asked(&GroupFilter::only(Vec::<String>::new())), [""; 0], "an empty list is no set");
        for nowhere in ["web", "azure-vmss:x/y/z", "shop/web", "33333333-3333-4333-8333-333333333333/a/b"] {
            assert_eq!(asked(&GroupFilter::all().name(nowhere)), [""; 0], "{nowhere}");
        }
    }
}
