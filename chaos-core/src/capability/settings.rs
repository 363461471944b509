use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Setting, SettingSet};
use crate::{
    error::{Error, ErrorKind, Result},
    fault::{FaultId, Permit},
};

/// Changes settings of a target from outside, by its platform, and puts them back: the security groups of its network
/// interfaces, say.
///
/// What it makes for a change bears the id of the fault in its name, so that a person finds it. A change has no
/// lifetime of its own unless the provider says so: it lasts until it is undone.
///
/// Like [`Lifecycle`](crate::capability::Lifecycle), it is idempotent and not cancel safe.
#[async_trait]
pub trait Settings: fmt::Debug + Send + Sync + 'static {
    /// Which settings can be changed here. Costs no call to the platform.
    fn can_change(&self) -> SettingSet;

    /// How the settings are now that `change` would touch, and nothing else: what
    /// [`restore`](Settings::restore) will need. It goes into the journal, so it holds no secret.
    ///
    /// # Errors
    /// `Unsupported` for a setting that cannot be changed here. `Conflict` if another fault has changed it: what a
    /// snapshot held then would be that fault's doing.
    ///
    /// Cancel safe: it only looks.
    async fn snapshot(&self, change: &Change) -> Result<SettingsSnapshot>;

    /// Makes the change. `before` is the snapshot that was taken for it, and nothing is changed that it does not hold,
    /// because nothing else could be put back.
    ///
    /// # Errors
    /// `Conflict` if the settings are no longer as in `before`; those that the permit's fault has changed already may
    /// differ.
    async fn apply(&self, change: &Change, before: &SettingsSnapshot, permit: &Permit) -> Result<()>;

    /// Puts back what the snapshot holds, and removes what the fault has made; by the snapshot alone, so that it works
    /// if the target no longer exists. What somebody else has changed meanwhile stays.
    async fn restore(&self, before: &SettingsSnapshot, permit: &Permit) -> Result<()>;

    /// How the settings are now, compared with `before`, wherever the snapshot says that something may be left: also if
    /// the target is connected otherwise by now, or no longer exists.
    ///
    /// Cancel safe: it only looks.
    async fn standing(&self, before: &SettingsSnapshot, fault: FaultId) -> Result<Standing>;
}

/// A change of settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// Cuts the target off from its network.
    Isolate,
}

/// How settings are, compared with a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// As in the snapshot, and nothing is left of what the fault has made.
    AsBefore,
    /// The change is in effect as it was asked for.
    Changed,
    /// Something of the fault is left, and the change is not in effect as it was asked for, for this reason: half of it
    /// was undone, say.
    Partly(String),
    /// The platform is still changing them, one way or the other.
    UnderWay,
    /// Nothing is left of what the fault has made, and the settings are otherwise than in the snapshot, in this way:
    /// somebody else has changed them, or the target no longer exists.
    Drifted(String),
}

/// Settings as they were before a change, in their provider's own form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SettingsSnapshot(serde_json::Value);

impl Change {
    /// The setting that it changes.
    pub fn setting(&self) -> Setting {
        match self {
            Self::Isolate => Setting::Isolation,
        }
    }
}

impl Standing {
    /// Whether nothing is left of what the fault has made.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::AsBefore | Self::Drifted(_))
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsBefore => f.write_str("the settings are as before"),
            Self::Changed => f.write_str("the settings are changed"),
            Self::Partly(why) => write!(f, "the settings are changed in part: {why}"),
            Self::UnderWay => f.write_str("the settings are being changed"),
            Self::Drifted(why) => write!(f, "the settings are otherwise than before: {why}"),
        }
    }
}

impl SettingsSnapshot {
    /// A snapshot of any serialisable value.
    ///
    /// # Errors
    /// `InvalidInput` if the value has no JSON form.
    pub fn of<T: Serialize>(value: &T) -> Result<Self> {
        serde_json::to_value(value).map(Self).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "the snapshot of settings has no JSON form").caused_by(error)
        })
    }

    /// Reads the snapshot back.
    ///
    /// # Errors
    /// `Corrupt` if it does not hold a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(&self.0).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "the snapshot of settings cannot be read")
                .caused_by(error)
                .finally()
        })
    }
}

impl fmt::Display for SettingsSnapshot {
    /// As JSON in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
