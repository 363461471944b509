//! The groups to list, and the members that may be chosen.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aws_sdk_autoscaling::types::Filter;
use chaos_core::{
    Result,
    group::Labels,
    listing::{Consent, NamePattern},
    provider::GroupFilter,
};

use crate::{
    client::regions::{Region, Regions},
    model::group_path::{GroupPath, SCHEME},
};

/// The selection of a provider. The default is everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) names: BTreeSet<String>,
    pub(crate) patterns: Vec<NamePattern>,
    /// A tag, and its allowed values.
    pub(crate) tags: BTreeMap<String, BTreeSet<String>>,
    pub(crate) tag_keys: BTreeSet<String>,
    pub(crate) consent: Consent,
    pub(crate) protected_too: bool,
}

/// The query for one region.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) region: Arc<Region>,
    /// The names to ask for; without any, every group.
    pub(crate) names: Option<Vec<String>>,
    /// The filters of the server.
    pub(crate) filters: Vec<Filter>,
}

impl Selection {
    /// Whether a group with this name and these tags is to be listed. The query already excludes others if possible,
    /// but an answer must never widen the blast radius.
    pub(crate) fn passes(&self, name: &str, tags: &Labels) -> bool {
        let is_any = self.names.is_empty() && self.patterns.is_empty();
        let is_named =
            is_any || self.names.contains(name) || self.patterns.iter().any(|pattern| pattern.matches(name));
        is_named
            && self.tag_keys.iter().all(|key| tags.contains_key(key))
            && self.tags.iter().all(|(key, values)| tags.get(key).is_some_and(|value| values.contains(value)))
    }

    /// The queries for each region that return everything that passes this and `filter`.
    pub(crate) fn queries(&self, regions: &Regions, filter: &GroupFilter) -> Result<Vec<Query>> {
        let mut queries = Vec::new();
        for region in regions.listed() {
            let mut names = self.exact_names();
            if let Some(named) = filter.names() {
                let wanted = named_in(named, region.name())?;
                names = Some(match names {
                    Some(names) => names.intersection(&wanted).cloned().collect(),
                    None => wanted,
                });
            }
            if names.as_ref().is_some_and(BTreeSet::is_empty) {
                continue;
            }
            let names: Option<Vec<String>> = names.map(|names| names.into_iter().collect());
            // Names and filters are not combined, because the effect of both together depends on the service.
            let filters = if names.is_some() { Vec::new() } else { self.filters() };
            queries.push(Query { region: Arc::clone(region), names, filters });
        }
        Ok(queries)
    }

    /// The names, if only these can pass.
    fn exact_names(&self) -> Option<BTreeSet<String>> {
        (self.patterns.is_empty() && !self.names.is_empty()).then(|| self.names.clone())
    }

    fn filters(&self) -> Vec<Filter> {
        let by_value = self.tags.iter().map(|(key, values)| {
            let values = values.iter().cloned().collect();
            Filter::builder().name(format!("tag:{key}")).set_values(Some(values)).build()
        });
        // The service accepts any of the values of one filter, so each key has a filter of its own.
        let by_key =
            self.tag_keys.iter().map(|key| Filter::builder().name("tag-key").values(key.as_str()).build());
        by_value.chain(by_key).collect()
    }
}

/// The names of the given groups, ids or paths, that are in this region.
fn named_in(named: &[String], region: &str) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for text in named {
        // A name that is not an id of this provider may still be a path. Any other name matches nothing.
        let is_own = text.strip_prefix(SCHEME).is_some_and(|rest| rest.starts_with(':'));
        let id = if is_own { text.parse() } else { chaos_core::GroupId::new(SCHEME, text) };
        let Ok(id) = id else { continue };
        match GroupPath::of(&id) {
            // Only the canonical form of an id: a second spelling of a name would list a group that is not in the
            // filter.
            Ok(path) if path.region == region && path.id()? == id => {
                names.insert(path.name);
            }
            _ => {}
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, SdkConfig};

    use super::*;

    fn regions() -> Regions {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        Regions::new(config, &["eu-west-1".to_owned(), "us-east-1".to_owned()])
    }

    fn asked(selection: &Selection, filter: &GroupFilter) -> Vec<(String, Option<Vec<String>>, usize)> {
        let queries = selection.queries(&regions(), filter).unwrap();
        let told = |query: Query| (query.region.name().to_owned(), query.names, query.filters.len());
        queries.into_iter().map(told).collect()
    }

    #[test]
    fn the_server_is_asked_for_no_more_than_is_wanted() {
        let both = |names: Option<Vec<String>>, filters| {
            vec![("eu-west-1".to_owned(), names.clone(), filters), ("us-east-1".to_owned(), names, filters)]
        };
        let mut selection = Selection::default();
        assert_eq!(asked(&selection, &GroupFilter::all()), both(None, 0));
        assert_eq!(
            asked(&selection, &GroupFilter::only(Vec::<String>::new())),
            [],
            "an empty list is nobody"
        );
        selection.tags.insert("team".to_owned(), BTreeSet::from(["shop".to_owned()]));
        selection.tag_keys.insert("tier".to_owned());
        assert_eq!(asked(&selection, &GroupFilter::all()), both(None, 2));
        selection.names.insert("web".to_owned());
        assert_eq!(asked(&selection, &GroupFilter::all()), both(Some(vec!["web".to_owned()]), 0));
        selection.patterns.push(NamePattern::new("x*".to_owned()).unwrap());
        assert_eq!(asked(&selection, &GroupFilter::all()), both(None, 2));

        let one = GroupFilter::all().name("aws-asg:123456789012/us-east-1/a/b");
        let only = vec![("us-east-1".to_owned(), Some(vec!["a/b".to_owned()]), 0)];
        assert_eq!(asked(&selection, &one), only);
        assert_eq!(asked(&selection, &GroupFilter::all().name("123456789012/us-east-1/a/b")), only);
        for nowhere in [
            "web",
            "local:123456789012/us-east-1/web",
            "123456789012/eu-west-9/web",
            "123456789012/us-east-1/%61",
            "123456789012/us-east-1/",
        ] {
            assert_eq!(asked(&selection, &GroupFilter::all().name(nowhere)), [], "{nowhere}");
        }
    }

    #[test]
    fn what_a_server_says_too_much_does_not_pass() {
        let mut selection = Selection::default();
        selection.names.insert("web".to_owned());
        selection.patterns.push(NamePattern::new("db-*".to_owned()).unwrap());
        selection.tags.insert("team".to_owned(), BTreeSet::from(["shop".to_owned(), "till".to_owned()]));
        selection.tag_keys.insert("tier".to_owned());
        let tags = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<Labels>()
        };
        let right = tags(&[("team", "till"), ("tier", "")]);
        assert!(selection.passes("web", &right) && selection.passes("db-1", &right));
        assert!(!selection.passes("web2", &right));
        assert!(!selection.passes("web", &tags(&[("team", "till")])));
        assert!(!selection.passes("web", &tags(&[("team", "other"), ("tier", "")])));
    }
}
