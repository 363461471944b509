use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Setting, SettingSet};
use crate::{
    error::{Error, ErrorKind, Result},
    fault::{FaultId, Permit},
};

/// Changes settings of a target from outside, by its platform, and puts them back. The security groups of its network
/// interfaces are an example.
///
/// Everything that it creates for a change has the id of the fault in its name, so that a person can find it. A change
/// has no lifetime of its own unless the provider says so: it lasts until it is undone.
///
/// Like [`Lifecycle`](crate::capability::Lifecycle), it is idempotent and not cancel safe.
#[async_trait]
pub trait Settings: fmt::Debug + Send + Sync + 'static {
    /// The settings that can be changed here. Makes no call to the platform.
    fn can_change(&self) -> SettingSet;

    /// A snapshot of exactly the settings that `change` would touch, for [`restore`](Settings::restore). It goes into
    /// the journal, so it holds no secret.
    ///
    /// # Errors
    /// `Unsupported` for a setting that cannot be changed here. `Conflict` if another fault has changed it, because the
    /// snapshot would hold that fault's change.
    ///
    /// Cancel safe: it only looks.
    async fn snapshot(&self, change: &Change) -> Result<SettingsSnapshot>;

    /// Makes the change. `before` is the snapshot that was taken for it. Only settings in the snapshot are changed,
    /// because nothing else could be put back.
    ///
    /// # Errors
    /// `Conflict` if the settings are no longer as in `before`. Settings that the permit's fault has already changed
    /// may differ.
    async fn apply(&self, change: &Change, before: &SettingsSnapshot, permit: &Permit) -> Result<()>;

    /// Puts the settings in the snapshot back, and removes everything that the fault has created. It uses the snapshot
    /// alone, so it works even if the target no longer exists. Changes that somebody else has made meanwhile stay.
    async fn restore(&self, before: &SettingsSnapshot, permit: &Permit) -> Result<()>;

    /// Compares the current settings with `before`. It looks wherever something may be left according to the snapshot,
    /// even if the target has other connections by now or no longer exists.
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

/// The current settings, compared with a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// They are as in the snapshot, and nothing is left of the fault.
    AsBefore,
    /// The change is in effect as requested.
    Changed,
    /// A part of the fault is left, but the change is not in effect as requested, for this reason. For example, half of
    /// it was undone.
    Partly(String),
    /// The platform is still changing them, one way or the other.
    UnderWay,
    /// Nothing is left of the fault, but the settings differ from the snapshot in this way: somebody else has changed
    /// them, or the target no longer exists.
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
    /// Whether nothing is left of the fault.
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
            Self::Drifted(why) => write!(f, "the settings differ from before: {why}"),
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
