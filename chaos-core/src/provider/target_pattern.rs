use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    group::{Group, Labels, Target},
    listing::NamePattern,
    text::escaped,
};

/// What a pattern of tags begins with.
const TAG: &str = "tag:";

/// A pattern for groups and targets, by id, path or tag. `*` stands for any characters, `/` included, and `?` for one.
/// It fits only if it fits the whole text.
///
/// | pattern | fits |
/// |---|---|
/// | `*/payments-*` | groups and targets with such a path: the part of the id after the first colon |
/// | `aws-asg:*/web` | groups and targets with such an id, because the part before the first colon could be a scheme |
/// | `tag:tier=critical` | groups and targets with this tag; the value is a pattern |
/// | `tag:tier` | groups and targets with this tag, whatever its value |
///
/// A group's id is `scheme:path`, as in `aws-asg:123456789012/eu-west-1/web`, and the id of a target is that of its
/// group, a slash and a name. A pattern that fits the group counts for each of its targets. The case counts, except in
/// keys of tags, because some platforms ignore it there.
///
/// ```
/// use chaos_core::provider::TargetPattern;
///
/// let group = "aws-asg:123456789012/eu-west-1/payments-api".parse()?;
/// assert!("*/payments-*".parse::<TargetPattern>()?.fits_id(&group));
/// assert!("aws-asg:*".parse::<TargetPattern>()?.fits_id(&group));
/// assert!(!"payments-*".parse::<TargetPattern>()?.fits_id(&group), "a path is compared as a whole");
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetPattern(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    Id(NamePattern),
    Path(NamePattern),
    /// A key, and a pattern of values.
    Tag(String, Option<NamePattern>),
}

impl TargetPattern {
    /// Whether it fits the id of this group, or its path.
    pub fn fits_id(&self, id: &crate::group::GroupId) -> bool {
        self.fits_name(id.as_str(), id.path())
    }

    /// Whether it fits this group, by its id, its path or its tags.
    pub fn fits_group(&self, group: &Group) -> bool {
        self.fits_id(&group.id) || self.fits_labels(&group.labels)
    }

    /// Whether it fits this target itself, by its id, its path or its tags. See
    /// [`fits_group`](TargetPattern::fits_group) for its group.
    pub fn fits_target(&self, target: &dyn Target) -> bool {
        let id = target.id().as_str();
        let path = id.split_once(':').map_or(id, |(_, path)| path);
        self.fits_name(id, path) || self.fits_labels(target.labels())
    }

    fn fits_name(&self, id: &str, path: &str) -> bool {
        match &self.0 {
            Form::Id(pattern) => pattern.matches(id),
            Form::Path(pattern) => pattern.matches(path),
            Form::Tag(..) => false,
        }
    }

    fn fits_labels(&self, labels: &Labels) -> bool {
        let Form::Tag(wanted, value) = &self.0 else { return false };
        let fits = |found: &str| value.as_ref().is_none_or(|value| value.matches(found));
        labels.iter().any(|(key, found)| is_same_key(key, wanted) && fits(found))
    }
}

/// Whether two keys of tags are the same but for their case.
fn is_same_key(one: &str, other: &str) -> bool {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    one == other || lower(one) == lower(other)
}

impl FromStr for TargetPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = |expected| Error::invalid("pattern", format_args!("{text:?}"), expected);
        if text.trim() != text || text.is_empty() {
            return Err(invalid(
                "a pattern such as */payments-* or tag:tier=critical, without spaces around it",
            ));
        }
        if let Some(tag) = text.strip_prefix(TAG) {
            let (key, value) = match tag.split_once('=') {
                // No tag has an empty pattern; one without a value is written as tag:key.
                Some((_, "")) => return Err(invalid("a value after the =, such as tag:tier=critical")),
                Some((key, value)) => (key, Some(NamePattern::new(value.to_owned())?)),
                None => (tag, None),
            };
            if key.trim() != key || key.is_empty() || key.contains(['*', '?']) {
                return Err(invalid("a key without wildcards after tag:, such as tag:tier=critical"));
            }
            return Ok(Self(Form::Tag(key.to_owned(), value)));
        }
        let may_be_scheme = |part: &str| {
            let fits =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-*?".contains(&byte);
            !part.is_empty() && part.bytes().all(fits)
        };
        let is_id = text.split_once(':').is_some_and(|(scheme, _)| may_be_scheme(scheme));
        let pattern = NamePattern::new(text.to_owned())?;
        Ok(Self(if is_id { Form::Id(pattern) } else { Form::Path(pattern) }))
    }
}

/// As it was written; control characters and invisible ones are escaped.
impl fmt::Display for TargetPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escaped(&String::from(self.clone())).fmt(f)
    }
}

impl fmt::Debug for TargetPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TargetPattern({self})")
    }
}

impl TryFrom<String> for TargetPattern {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<TargetPattern> for String {
    fn from(pattern: TargetPattern) -> Self {
        match pattern.0 {
            Form::Id(pattern) | Form::Path(pattern) => pattern.as_str().to_owned(),
            Form::Tag(key, None) => format!("{TAG}{key}"),
            Form::Tag(key, Some(value)) => format!("{TAG}{key}={}", value.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> TargetPattern {
        text.parse().unwrap()
    }

    fn tagged(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    #[test]
    fn one_with_a_scheme_is_of_ids_and_any_other_of_paths() {
        for (text, id, expected) in [
            ("web", "local:web", true),
            ("local:web", "local:web", true),
            ("memory:web", "local:web", false),
            ("*:web", "local:web", true),
            ("web*", "local:shop/web", false),
            ("*/web", "local:shop/web", true),
            ("*", "local:shop/web", true),
            ("local*", "local:shop/web", false),
            ("local:web", "memory:local:web", false),
            ("*/a:b", "local:/tmp/a:b", true),
            ("tag:web", "local:web", false),
        ] {
            assert_eq!(pattern(text).fits_id(&id.parse().unwrap()), expected, "{text} {id}");
        }
    }

    #[test]
    fn the_case_of_a_key_does_not_count_and_that_of_a_value_does() {
        for (text, labels, expected) in [
            ("tag:tier=critical", tagged(&[("tier", "critical")]), true),
            ("tag:tier=critical", tagged(&[("Tier", "critical")]), true),
            ("tag:tier=critical", tagged(&[("tier", "Critical")]), false),
            ("tag:tier=crit*", tagged(&[("tier", "critical")]), true),
            ("tag:tier", tagged(&[("tier", "")]), true),
            ("tag:tier=*", tagged(&[("tier", "")]), true),
            ("tag:tier", tagged(&[("tiers", "x")]), false),
            ("tag:owner=a=b", tagged(&[("owner", "a=b")]), true),
            ("tier", tagged(&[("tier", "x")]), false),
            ("tag:tier=low", tagged(&[("Tier", "low"), ("tier", "high")]), true),
        ] {
            assert_eq!(pattern(text).fits_labels(&labels), expected, "{text} {labels:?}");
        }
    }

    #[test]
    fn an_invalid_one_is_refused_by_its_value_and_a_valid_one_is_shown_as_written() {
        for text in ["", " web", "web ", "tag:", "tag:=x", "tag:tier=", "tag: tier=x", "tag:ti*=x"] {
            let error = text.parse::<TargetPattern>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("invalid pattern: {text:?}; expected")), "{error}");
        }
        for text in ["*/payments-*", "local:web", "tag:tier=critical", "tag:tier", "tag:a=b=c"] {
            assert_eq!(pattern(text).to_string(), text);
            let json = serde_json::to_string(&pattern(text)).unwrap();
            assert_eq!(serde_json::from_str::<TargetPattern>(&json).unwrap(), pattern(text));
        }
        assert!(!pattern("a\nb\u{202e}").to_string().contains(['\n', '\u{202e}']));
    }
}
