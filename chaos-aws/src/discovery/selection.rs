//! The groups to list, and the members that may be chosen.

use std::{collections::BTreeSet, sync::Arc};

use aws_sdk_autoscaling::types::Filter;
use chaos_core::{GroupId, Result, listing, provider::GroupFilter};

use crate::{
    client::regions::{Region, Regions},
    model::group_path::{GroupPath, SCHEME},
};

/// The selection of a provider. The default is everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) groups: listing::Selection,
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
    /// The queries for each region that return everything that passes this and `filter`.
    pub(crate) fn queries(&self, regions: &Regions, filter: &GroupFilter) -> Result<Vec<Query>> {
        let mut queries = Vec::new();
        for region in regions.listed() {
            let mut names = self.groups.exact_names().cloned();
            if let Some(named) = filter.ids(SCHEME) {
                let wanted = named_in(&named, region.name())?;
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

    fn filters(&self) -> Vec<Filter> {
        let by_value = self.groups.tags().iter().map(|(key, values)| {
            let values = values.iter().cloned().collect();
            Filter::builder().name(format!("tag:{key}")).set_values(Some(values)).build()
        });
        // The service accepts any of the values of one filter, so each key has a filter of its own.
        let by_key = self
            .groups
            .tag_keys()
            .iter()
            .map(|key| Filter::builder().name("tag-key").values(key.as_str()).build());
        by_value.chain(by_key).collect()
    }
}

/// The names of those groups that are in this region.
fn named_in(named: &[GroupId], region: &str) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for id in named {
        match GroupPath::of(id) {
            // Only the canonical form of an id: a second spelling of a name would list a group that is not in the
            // filter.
            Ok(path) if path.region == region && path.id()? == *id => {
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
            "an empty list is no group"
        );
        selection.groups = selection.groups.tag("team", "shop").tag_key("tier");
        assert_eq!(asked(&selection, &GroupFilter::all()), both(None, 2));
        selection.groups = selection.groups.name("web");
        assert_eq!(asked(&selection, &GroupFilter::all()), both(Some(vec!["web".to_owned()]), 0));
        selection.groups = selection.groups.names_like("x*");
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
}
