use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    text::escaped,
};

/// The longest id, in bytes.
const LONGEST: usize = 1024;

/// Names a group: `scheme:path`, such as `aws-asg:eu-west-1/web`.
///
/// The scheme belongs to a [`Provider`](crate::provider::Provider). The provider defines the path, which is enough to
/// find the group again from another process. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupId(Arc<str>);

/// Names a target: its group's id, a slash, and the target's name inside the group, such as
/// `aws-asg:eu-west-1/web/i-0abc`.
///
/// Enough to find the target again from another process. Cheap to clone.
///
/// ```
/// use chaos_core::{GroupId, TargetId};
///
/// let group: GroupId = "aws-asg:eu-west-1/web".parse()?;
/// let target = group.target("i-0abc")?;
/// assert_eq!(target.to_string(), "aws-asg:eu-west-1/web/i-0abc");
/// assert_eq!(target.scheme(), "aws-asg");
/// assert_eq!(target.name(), "i-0abc");
/// assert_eq!(target.group(), group);
/// assert!("no scheme".parse::<TargetId>().is_err());
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetId(Arc<str>);

impl GroupId {
    /// The id of the group that `scheme` knows as `path`.
    ///
    /// # Errors
    /// `InvalidInput` for a scheme that is not lower-case letters, digits and hyphens, an empty path, a control
    /// character, or more than 1,024 bytes.
    pub fn new(scheme: &str, path: &str) -> Result<Self> {
        format!("{scheme}:{path}").parse()
    }

    /// The id of this group's member called `name`, which must be non-empty and hold no slash.
    ///
    /// # Errors
    /// `InvalidInput` as for [`GroupId::new`], and for a name with a slash.
    pub fn target(&self, name: &str) -> Result<TargetId> {
        if name.is_empty() || name.contains('/') {
            return Err(Error::invalid(
                "target name",
                format!("{name:?}"),
                "a non-empty name without a slash",
            ));
        }
        format!("{}/{name}", self.0).parse()
    }

    /// The part before the first colon: the provider's scheme.
    pub fn scheme(&self) -> &str {
        split(&self.0).0
    }

    /// The part after the first colon: the provider's own name for the group.
    pub fn path(&self) -> &str {
        split(&self.0).1
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TargetId {
    /// The part before the first colon: the provider's scheme.
    pub fn scheme(&self) -> &str {
        split(&self.0).0
    }

    /// The part after the last slash: the target's name inside its group.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(_, name)| name)
    }

    /// The group that this target is a member of.
    pub fn group(&self) -> GroupId {
        GroupId(self.0.rsplit_once('/').map_or_else(|| Arc::clone(&self.0), |(group, _)| group.into()))
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for GroupId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        check("group id", text)?;
        Ok(Self(text.into()))
    }
}

impl FromStr for TargetId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        check("target id", text)?;
        match split(text).1.rsplit_once('/') {
            Some((group, name)) if !group.is_empty() && !name.is_empty() => Ok(Self(text.into())),
            _ => Err(Error::invalid("target id", format!("{text:?}"), "scheme:group/name")),
        }
    }
}

fn check(field: &str, text: &str) -> Result<()> {
    let (scheme, path) = split(text);
    let scheme_is_right = !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !scheme_is_right || path.is_empty() {
        return Err(Error::invalid(
            field,
            format!("{text:?}"),
            "scheme:path, the scheme in lower-case letters",
        ));
    }
    if text.len() > LONGEST || text.chars().any(char::is_control) {
        let expected = format!("at most {LONGEST} bytes and no control characters");
        return Err(Error::invalid(field, format!("{text:?}"), expected));
    }
    Ok(())
}

fn split(text: &str) -> (&str, &str) {
    text.split_once(':').unwrap_or(("", text))
}

macro_rules! text_form {
    ($id:ty) => {
        /// For a person to read: bidirectional and invisible characters are escaped. `as_str` returns the id itself.
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&escaped(&self.0), f)
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&escaped(&self.0), f)
            }
        }

        impl TryFrom<String> for $id {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.0.as_ref().to_owned()
            }
        }
    };
}

text_form!(GroupId);
text_form!(TargetId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_id_is_refused_by_name() {
        for text in [
            "",
            ":",
            "x:",
            "X:y/z",
            "local:",
            "local:web",
            "local:/",
            "local:web/",
            "a b:c/d",
            "local:a\nb/c",
        ] {
            let error = text.parse::<TargetId>().expect_err(text);
            assert!(error.to_string().starts_with("invalid target id"), "{text:?}: {error}");
        }
        assert!(format!("local:{}/x", "a".repeat(2000)).parse::<TargetId>().is_err());
    }

    #[test]
    fn an_id_cannot_turn_the_direction_of_a_line() {
        let id: TargetId = "local:web/user\u{202e}nimda".parse().unwrap();
        assert_eq!(format!("{id} {id:?}"), r"local:web/user\u{202e}nimda local:web/user\u{202e}nimda");
        assert_eq!(id.as_str(), "local:web/user\u{202e}nimda");
        assert_eq!(id.group().to_string(), "local:web");
    }

    #[test]
    fn a_group_path_may_hold_slashes_colons_and_spaces() {
        let id: TargetId = "local:/tmp/a b:c/$(x)/replica-2".parse().unwrap();
        assert_eq!(id.group().path(), "/tmp/a b:c/$(x)");
        assert_eq!(id.name(), "replica-2");
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<TargetId>(&json).unwrap(), id);
    }
}
