use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    fault::{FaultId, Permit},
};

/// Cuts a target off from outside: its security groups swapped, its networks disconnected.
///
/// Idempotent like [`Lifecycle`](crate::capability::Lifecycle), and like it not cancel safe.
#[async_trait]
pub trait Isolation: fmt::Debug + Send + Sync + 'static {
    /// What [`restore`](Isolation::restore) will need, read before anything changes. It goes into the journal, so it
    /// holds no secret.
    ///
    /// Cancel safe: it only looks.
    async fn snapshot(&self) -> Result<IsolationSnapshot>;

    /// Cuts the target off.
    async fn isolate(&self, permit: &Permit) -> Result<()>;

    /// Puts back what the snapshot holds, and removes what the fault has made; by the snapshot alone, so that it works
    /// where the target exists no more.
    async fn restore(&self, snapshot: &IsolationSnapshot, permit: &Permit) -> Result<()>;

    /// Whether the target is cut off now.
    ///
    /// Cancel safe: it only looks.
    async fn is_isolated(&self) -> Result<bool>;

    /// Whether nothing is left of what `fault` has made, wherever the snapshot says that it may be: also where the
    /// target is connected otherwise by now, or exists no more. Whoever restores verifies by this as well, because
    /// [`is_isolated`](Isolation::is_isolated) only looks at what the target is connected to at this moment.
    ///
    /// Cancel safe: it only looks.
    async fn is_restored(&self, snapshot: &IsolationSnapshot, fault: FaultId) -> Result<bool>;
}

/// How a target was connected before it was isolated, in its provider's own form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IsolationSnapshot(serde_json::Value);

impl IsolationSnapshot {
    /// A snapshot of any serialisable value.
    ///
    /// # Errors
    /// `InvalidInput` where the value has no JSON form.
    pub fn of<T: Serialize>(value: &T) -> Result<Self> {
        serde_json::to_value(value).map(Self).map_err(|error| {
            crate::error::Error::new(
                crate::error::ErrorKind::InvalidInput,
                "the isolation snapshot has no JSON form",
            )
            .caused_by(error)
        })
    }

    /// Reads the snapshot back.
    ///
    /// # Errors
    /// `Corrupt` where it does not hold a `T`.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.0.clone()).map_err(|error| {
            crate::error::Error::new(
                crate::error::ErrorKind::Corrupt,
                "the isolation snapshot cannot be read",
            )
            .caused_by(error)
            .finally()
        })
    }
}
