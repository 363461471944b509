use std::collections::{BTreeMap, BTreeSet};

use super::{Consent, NamePattern};
use crate::{
    error::{Error, Result},
    group::Labels,
};

/// Which groups a provider lists, by name, pattern and tag, and which of their members may be chosen, by consent.
/// Everything, unless you narrow it.
///
/// A group passes if it has one of the names or matches one of the patterns, and has every tag.
///
/// ```
/// use chaos_core::{group::Labels, listing::Selection};
///
/// let shop = Labels::from([("team".into(), "shop".into())]);
/// let selection = Selection::default().name("web").names_like("db-*").tag("team", "shop");
/// assert!(selection.passes("web", &shop) && selection.passes("db-1", &shop));
/// assert!(!selection.passes("web", &Labels::new()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    names: BTreeSet<String>,
    patterns: Vec<NamePattern>,
    /// A tag, and its permitted values.
    tags: BTreeMap<String, BTreeSet<String>>,
    tag_keys: BTreeSet<String>,
    consent: Consent,
    ignores_case: bool,
}

impl Selection {
    /// For a platform whose names and keys of tags are case-insensitive. Values of tags stay case-sensitive.
    pub fn ignoring_case() -> Self {
        Self { ignores_case: true, ..Self::default() }
    }

    /// Lists the group with this name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        let name = self.folded(name.into());
        self.names.insert(name);
        self
    }

    /// Lists groups whose name matches this pattern: `*` stands for any characters, and `?` for one.
    #[must_use]
    pub fn names_like(mut self, pattern: impl Into<String>) -> Self {
        let pattern = NamePattern::unchecked(self.folded(pattern.into()));
        self.patterns.push(pattern);
        self
    }

    /// Lists groups with this tag. If you set several values for one key, a group with any of them matches.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let key = self.folded(key.into());
        self.tags.entry(key).or_default().insert(value.into());
        self
    }

    /// Lists groups that have a tag with this key, whatever its value.
    #[must_use]
    pub fn tag_key(mut self, key: impl Into<String>) -> Self {
        let key = self.folded(key.into());
        self.tag_keys.insert(key);
        self
    }

    /// Sets whether members without the tag for consent count as willing. By default they do.
    #[must_use]
    pub fn consent(mut self, consent: Consent) -> Self {
        self.consent = consent;
        self
    }

    /// Checks the selection for mistakes.
    ///
    /// # Errors
    /// `InvalidInput` for an empty name, pattern or key of a tag.
    pub fn check(&self) -> Result<()> {
        if self.names.contains("") {
            return Err(Error::invalid("group name", "\"\"", "the name of a group"));
        }
        for pattern in &self.patterns {
            pattern.check()?;
        }
        if self.tags.contains_key("") || self.tag_keys.contains("") {
            return Err(Error::invalid("tag", "\"\"", "a key of at least one character"));
        }
        Ok(())
    }

    /// Whether to list a group with this name and these tags. Check every answer: a platform may answer with more
    /// groups than you asked for, and that must not widen the blast radius.
    pub fn passes(&self, name: &str, tags: &Labels) -> bool {
        let name = self.folded(name.to_owned());
        let is_any = self.names.is_empty() && self.patterns.is_empty();
        let is_named = is_any
            || self.names.contains(&name)
            || self.patterns.iter().any(|pattern| pattern.matches(&name));
        is_named
            && self.tag_keys.iter().all(|key| self.value(key, tags).is_some())
            && self
                .tags
                .iter()
                .all(|(key, values)| self.value(key, tags).is_some_and(|value| values.contains(value)))
    }

    /// Whether the selection leaves out any group.
    pub fn is_narrowed(&self) -> bool {
        !(self.names.is_empty()
            && self.patterns.is_empty()
            && self.tags.is_empty()
            && self.tag_keys.is_empty())
    }

    /// The names, if no group of another name passes.
    pub fn exact_names(&self) -> Option<&BTreeSet<String>> {
        (self.patterns.is_empty() && !self.names.is_empty()).then_some(&self.names)
    }

    /// The names that pass in addition to those of the patterns.
    pub fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// The tags that a group must have, each with its permitted values.
    pub fn tags(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.tags
    }

    /// The keys of tags that a group must have, whatever their values.
    pub fn tag_keys(&self) -> &BTreeSet<String> {
        &self.tag_keys
    }

    /// Why these tags keep a member from being chosen: see [`Consent::refusal`].
    pub fn refusal(&self, said: &[(&str, &Labels)]) -> Option<String> {
        self.consent.refusal(said)
    }

    fn folded(&self, text: String) -> String {
        if self.ignores_case { text.to_lowercase() } else { text }
    }

    fn value<'a>(&self, key: &str, tags: &'a Labels) -> Option<&'a str> {
        if !self.ignores_case {
            return tags.get(key).map(|value| &**value);
        }
        tags.iter().find(|(found, _)| found.to_lowercase() == key).map(|(_, value)| &**value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    fn narrowed(selection: Selection) -> Selection {
        selection.name("Web").names_like("db-*").tag("team", "shop").tag("team", "till").tag_key("Tier")
    }

    #[test]
    fn a_group_must_pass_all_that_is_said() {
        assert!(Selection::default().passes("web", &Labels::new()));
        let selection = narrowed(Selection::default());
        let right = tags(&[("team", "till"), ("Tier", "")]);
        assert!(selection.passes("Web", &right) && selection.passes("db-1", &right));
        assert!(!selection.passes("Web2", &right) && !selection.passes("web", &right));
        assert!(!selection.passes("Web", &tags(&[("team", "till")])));
        assert!(!selection.passes("Web", &tags(&[("team", "other"), ("Tier", "")])));
        assert!(!selection.passes("Web", &tags(&[("team", "till"), ("tier", "")])));
    }

    #[test]
    fn case_counts_only_in_values_where_the_platform_ignores_it() {
        let selection = narrowed(Selection::ignoring_case());
        let right = tags(&[("TEAM", "till"), ("tier", "")]);
        assert!(selection.passes("wEB", &right) && selection.passes("DB-1", &right));
        assert!(!selection.passes("web", &tags(&[("team", "Till"), ("tier", "")])));
    }

    #[test]
    fn only_names_without_patterns_are_exact_and_empty_words_are_refused() {
        assert_eq!(Selection::default().exact_names(), None);
        let named = Selection::default().name("web");
        assert_eq!(named.exact_names(), Some(&BTreeSet::from(["web".to_owned()])));
        assert_eq!(named.clone().names_like("x*").exact_names(), None);
        named.check().unwrap();
        for (selection, expected) in [
            (named.clone().name(""), "invalid group name: \"\""),
            (named.clone().names_like(""), "invalid name pattern: \"\""),
            (named.clone().tag("", "x"), "invalid tag: \"\""),
            (named.tag_key(""), "invalid tag: \"\""),
        ] {
            let error = selection.check().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
