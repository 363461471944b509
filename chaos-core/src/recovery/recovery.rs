use std::fmt;

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};

use super::RecoveryScope;
use crate::{
    error::Result,
    fault::{FaultId, Permit},
    group::TargetId,
};

/// How to undo one injection, as data.
///
/// It is written to the journal before the injection begins. Any process that reads it back can bring the target back.
/// So it holds everything that the undo needs, and no secret.
///
/// # Contract
/// - Idempotent: recovering twice is recovering once.
/// - Right even if the injection never ran, or ran half-way. [`RecoveryScope::injection`] tells what is known of
///   that.
/// - If the target is already gone, that is success.
/// - A dropped call may be repeated: the process may end at every `.await`.
/// - [`verify`](Recovery::verify) looks at the target, and never trusts what `recover` believes it did.
#[async_trait]
pub trait Recovery: Serialize + DeserializeOwned + fmt::Debug + Send + Sync + 'static {
    /// The permanent name of this type and its format, such as `chaos-events/start-again/1`. Never reuse it for another
    /// format.
    const KIND: &'static str;

    /// Brings the target back, or begins to. It is called again with back-off until [`verify`](Recovery::verify) says
    /// that the target is back, or the budget is spent. An error of any kind is retried, after the time that it [asks
    /// for](crate::error::Error::asks_to_wait). Only a [final](crate::error::Error::is_final) error ends the recovery
    /// earlier.
    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()>;

    /// Whether the target is really back. This looks once and changes nothing.
    ///
    /// While the fault is held ([`RecoveryScope::is_held`]) it is called at once, in the middle of a long hold and
    /// shortly before its end. `Back` then means that the fault is over before its time.
    ///
    /// It is also called before the first attempt. A fault that no look has seen in effect counts as over only if the
    /// target is still well some seconds later ([`RetryPolicy::settle`](crate::recovery::RetryPolicy::settle)).
    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict>;

    /// Instructions for a person to bring `target` back without this library, clear enough for the middle of the night.
    /// They derive from this data alone, so every process that reads the recovery back returns the same.
    ///
    /// Plain text. A line to copy into a shell begins with four spaces. Values in it that come from the target or from
    /// a user must be quoted for that shell, or left out if they cannot be quoted.
    ///
    /// It is part of [`Intended`](crate::observer::Intended), [`Activity::Armed`](crate::observer::Activity::Armed) and
    /// [`Activity::RecoveryFailed`](crate::observer::Activity::RecoveryFailed), so it holds no secret.
    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String;
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The target is back.
    Back,
    /// It is not back, for this reason.
    NotYet(String),
    /// It certainly no longer exists, and nothing is left to undo.
    Gone(String),
}
