use std::fmt;

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::Result,
    event::Scope,
    fault::{FaultId, Permit},
    group::TargetId,
};

/// How to undo one injection, as data.
///
/// It is written to the journal before the injection begins, and whoever reads it back, in whichever process, can bring
/// the target back. So it holds everything that the undo needs, and no secret.
///
/// # Contract
/// - Idempotent: recovering twice is recovering once.
/// - Right even if the injection never ran, or ran half-way. [`Scope::injection`] tells what is known.
/// - "It is gone already" is success.
/// - A dropped call may be repeated: every `.await` is a place where the process may end.
/// - [`verify`](Recovery::verify) looks at the target and never at what `recover` believes that it did.
#[async_trait]
pub trait Recovery: Serialize + DeserializeOwned + fmt::Debug + Send + Sync + 'static {
    /// Names this type and its format for ever, such as `chaos-events/start-again/1`. Never reused for another format.
    const KIND: &'static str;

    /// Brings the target back, or begins to. Called again with back-off until [`verify`](Recovery::verify) says that it
    /// is, or the budget is spent. An error of whatever kind is tried again, after the time that it [asks
    /// for](crate::error::Error::asks_to_wait); only one that is [final](crate::error::Error::is_final) ends it before.
    async fn recover(&self, scope: &Scope, permit: &Permit) -> Result<()>;

    /// Whether the target is really back. Looks once, and does not touch.
    ///
    /// While the fault is held ([`Scope::is_held`]) it is asked at once, in the middle of a long hold and shortly
    /// before its end: `Back` then means that the fault is over before its time.
    ///
    /// Asked before the first attempt as well. A fault that no look has seen in effect counts as over only when the
    /// target is still well some seconds later ([`RetryPolicy::settle`](crate::recovery::RetryPolicy::settle)).
    async fn verify(&self, scope: &Scope) -> Result<Verdict>;

    /// How a person brings `target` back without this library, in words that can be acted upon in the middle of the
    /// night. Made of this data alone, so that whoever reads the recovery back says the same.
    ///
    /// Plain text. A line that is to be copied into a shell begins with four spaces; whatever in it comes from the
    /// target or from a user must be quoted for that shell, or left out where it cannot be.
    ///
    /// It is part of [`Intended`](crate::observer::Intended), [`Activity::Armed`](crate::observer::Activity::Armed) and
    /// [`Activity::RecoveryFailed`](crate::observer::Activity::RecoveryFailed), so it holds no secret.
    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String;
}

/// What a verification saw.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The target is back.
    Back,
    /// It is not, for this reason.
    NotYet(String),
    /// It certainly exists no more, and nothing is left to undo.
    Gone(String),
}
