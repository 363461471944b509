use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::escaped;

/// A pattern of a monkey that fits nothing that its providers list. It may be misspelt, or fit only later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnmatchedPattern {
    /// What it is for.
    pub role: PatternRole,
    /// The pattern, as it was written.
    pub pattern: String,
}

/// What a pattern is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PatternRole {
    /// It allows groups and targets.
    Allow,
    /// It denies groups and targets.
    Deny,
    /// It is of a rule for groups. One that fits only groups for which an earlier rule decides fits nothing.
    GroupRule,
}

impl UnmatchedPattern {
    /// This pattern fits nothing.
    pub fn new(role: PatternRole, pattern: impl Into<String>) -> Self {
        Self { role, pattern: pattern.into() }
    }
}

impl fmt::Display for UnmatchedPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = escaped(&self.pattern);
        match self.role {
            PatternRole::Allow => write!(f, "the allow pattern {pattern} fits nothing"),
            PatternRole::Deny => write!(f, "the deny pattern {pattern} fits nothing"),
            PatternRole::GroupRule => {
                write!(f, "the rule for {pattern} fits no group, except for those that an earlier rule fits")
            }
        }
    }
}
