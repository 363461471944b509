use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    group::Member,
};

/// A share of a whole, from 0 to 100.
///
/// Any number is accepted here; the builder of [`Monkey`](crate::monkey::Monkey) refuses one above 100 and names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "`Percent(50)` is how it is written")]
pub struct Percent(pub u8);

/// A number of targets, absolute or as a share.
///
/// In settings it is a number or a text: `2`, `"2"`, `"33%"`.
///
/// ```
/// use chaos_core::{Quota, plan::Percent};
///
/// let a_third = Quota::from(Percent(33));
/// assert_eq!(a_third.at_most(5), 1); // 1.65: a limit rounds down
/// assert_eq!(a_third.at_least(5), 2); // a floor rounds up
/// assert_eq!("33%".parse::<Quota>()?, a_third);
/// assert_eq!("2".parse::<Quota>()?, Quota::from(2));
/// assert!("130%".parse::<Quota>().is_err());
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota(Amount);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    Count(i64),
    Percent(u8),
}

impl Quota {
    /// As many as there are.
    pub const ALL: Self = Self(Amount::Percent(100));

    /// This quota of `whole` as a limit. A percentage rounds down, so the result never exceeds it.
    pub fn at_most(self, whole: usize) -> usize {
        match self.0 {
            Amount::Count(count) => usize::try_from(count).unwrap_or(0),
            Amount::Percent(percent) => whole.saturating_mul(percent.into()) / 100,
        }
    }

    /// Whether it is a share, and not all.
    pub(crate) fn is_part(self) -> bool {
        matches!(self.0, Amount::Percent(percent) if percent < 100)
    }

    /// This quota of `whole` as a floor. A percentage rounds up.
    pub fn at_least(self, whole: usize) -> usize {
        match self.0 {
            Amount::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Amount::Percent(percent) => whole.saturating_mul(percent.into()).div_ceil(100),
        }
    }

    /// The measure of a member for this quota: one, or its part of the capacity if the quota is a share.
    pub(crate) fn measure(self, member: &Member) -> usize {
        match self.0 {
            Amount::Count(_) => 1,
            Amount::Percent(_) => member.capacity(),
        }
    }

    /// The number, unless the quota is a percentage.
    pub(crate) fn count(self) -> Option<usize> {
        match self.0 {
            Amount::Count(_) => Some(self.at_most(0)),
            Amount::Percent(_) => None,
        }
    }

    /// As [`check`](Quota::check), and `InvalidInput` for a limit of nothing. To inject nothing, do not run.
    pub(crate) fn check_limit(self, field: &str) -> Result<()> {
        self.check(field)?;
        match self.0 {
            Amount::Count(0) | Amount::Percent(0) => {
                Err(Error::invalid(field, self, "a limit of at least 1 or 1%"))
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// `InvalidInput` with `field` and the value, for a negative count and for a percentage above 100.
    pub(crate) fn check(self, field: &str) -> Result<()> {
        match self.0 {
            Amount::Count(count) if count < 0 => {
                Err(Error::invalid(field, count, "a count that is not negative"))
            }
            Amount::Percent(percent) if percent > 100 => {
                Err(Error::invalid(field, format!("{percent}%"), "a percentage from 0% to 100%"))
            }
            _ => Ok(()),
        }
    }
}

impl From<Percent> for Quota {
    fn from(percent: Percent) -> Self {
        Self(Amount::Percent(percent.0))
    }
}

impl From<i32> for Quota {
    fn from(count: i32) -> Self {
        Self(Amount::Count(count.into()))
    }
}

impl From<usize> for Quota {
    fn from(count: usize) -> Self {
        Self(Amount::Count(i64::try_from(count).unwrap_or(i64::MAX)))
    }
}

impl FromStr for Quota {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid("quota", format!("{text:?}"), "a count such as 2, or a percentage from 0% to 100%")
        };
        let quota = match text.strip_suffix('%') {
            Some(percent) => Self(Amount::Percent(percent.parse().map_err(|_| wrong())?)),
            None => Self::from(text.parse::<usize>().map_err(|_| wrong())?),
        };
        quota.check("quota").map_err(|_| wrong())?;
        Ok(quota)
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Amount::Count(count) => write!(f, "{count}"),
            Amount::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Serialize for Quota {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Amount::Count(count) => serializer.serialize_i64(count),
            Amount::Percent(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Quota {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_percentage_is_never_above_the_cap_and_never_below_the_floor(
            percent in 0u8..=100,
            whole in 0usize..10_000,
        ) {
            let quota = Quota::from(Percent(percent));
            prop_assert!(quota.at_most(whole) * 100 <= whole * usize::from(percent));
            prop_assert!(quota.at_least(whole) * 100 >= whole * usize::from(percent));
            prop_assert!(quota.at_least(whole) - quota.at_most(whole) <= 1);
        }
    }

    #[test]
    fn a_limit_of_nothing_names_the_field_and_a_floor_of_nothing_stays() {
        for nothing in [Quota::from(0), Quota::from(Percent(0))] {
            let error = nothing.check_limit("targets_per_run").unwrap_err();
            assert_eq!(error.kind(), crate::error::ErrorKind::InvalidInput);
            assert!(
                error.to_string().starts_with(&format!("invalid targets_per_run: {nothing};")),
                "{error}"
            );
            assert!(nothing.check("min_healthy").is_ok());
        }
        assert!(Quota::from(1).check_limit("targets_per_run").is_ok());
    }

    #[test]
    fn nonsense_names_the_field_and_the_value() {
        let error = Quota::from(Percent(130)).check("min_healthy").unwrap_err();
        assert_eq!(error.to_string(), "invalid min_healthy: 130%; expected a percentage from 0% to 100%");
        let error = Quota::from(-1).check("targets_per_run").unwrap_err();
        assert_eq!(error.to_string(), "invalid targets_per_run: -1; expected a count that is not negative");
        assert!("300%".parse::<Quota>().unwrap_err().to_string().contains("300%"));
        assert!("-1".parse::<Quota>().is_err());
    }
}
