use std::fmt;

use serde::{Deserialize, Serialize};

/// One operation of a provider on a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Capability {
    /// End it for good.
    Terminate,
    /// Stop the target in a way that allows a later start.
    Stop,
    /// Start it again.
    Start,
    /// Restart it in place.
    Reboot,
    /// Run a script on it.
    Shell,
    /// Cut it off from outside.
    Isolation,
    /// Have an engine of the platform run an experiment that is defined there.
    #[serde(alias = "experiments")]
    Engine,
}

impl Capability {
    const ALL: [Self; 7] =
        [Self::Terminate, Self::Stop, Self::Start, Self::Reboot, Self::Shell, Self::Isolation, Self::Engine];

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "terminate",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Reboot => "reboot",
            Self::Shell => "shell",
            Self::Isolation => "isolation",
            Self::Engine => "engine",
        })
    }
}

/// A set of [`Capability`].
///
/// ```
/// use chaos_core::{Capability, CapabilitySet};
///
/// let needs = CapabilitySet::of([Capability::Stop, Capability::Start]);
/// let has = CapabilitySet::of([Capability::Start, Capability::Shell]);
/// assert_eq!(needs.missing_from(has).to_string(), "stop");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Capability>", into = "Vec<Capability>")]
pub struct CapabilitySet(u32);

impl CapabilitySet {
    /// The set of these.
    pub fn of(capabilities: impl IntoIterator<Item = Capability>) -> Self {
        Self(capabilities.into_iter().fold(0, |bits, capability| bits | capability.bit()))
    }

    /// Whether `capability` is in the set.
    pub fn contains(self, capability: Capability) -> bool {
        self.0 & capability.bit() != 0
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members of this set that are not in `other`.
    #[must_use]
    pub fn missing_from(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The members of either set.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The members, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(move |capability| self.contains(*capability))
    }
}

impl From<Vec<Capability>> for CapabilitySet {
    fn from(capabilities: Vec<Capability>) -> Self {
        Self::of(capabilities)
    }
}

impl From<CapabilitySet> for Vec<Capability> {
    fn from(set: CapabilitySet) -> Self {
        set.iter().collect()
    }
}

impl fmt::Display for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, capability) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{capability}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_version_called_an_engine_is_read() {
        let set: CapabilitySet = serde_json::from_str(r#"["experiments", "shell"]"#).unwrap();
        assert_eq!(set, CapabilitySet::of([Capability::Engine, Capability::Shell]));
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["shell","engine"]"#);
    }
}
