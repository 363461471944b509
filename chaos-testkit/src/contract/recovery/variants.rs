//! Variants of the recovery under test. Each reads the records of the original, because it has the same kind.

use async_trait::async_trait;
use chaos_core::{Error, ErrorKind, FaultId, Permit, Recovery, RecoveryScope, Result, TargetId, Verdict};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

/// The start of the failure of an [`OnlyVerified`] whose target is not back.
pub(super) const NOT_BACK: &str = "the target is not back: ";

/// Recovers nothing, and verifies. One look ends the attempts: here, a target that is not back is a final error.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct OnlyVerified<R>(R);

/// Recovers twice.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Twice<R>(R);

/// Is dropped at its first wait, and begun again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Interrupted<R>(R);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Recovery> Recovery for OnlyVerified<R> {
    const KIND: &'static str = R::KIND;

    async fn recover(&self, _: &RecoveryScope, _: &Permit) -> Result<()> {
        Ok(())
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        let message = match self.0.verify(scope).await {
            Ok(Verdict::NotYet(why)) => format!("{NOT_BACK}{why}"),
            Err(error) => format!("verify failed: {}", error.chain()),
            seen => return seen,
        };
        Err(Error::new(ErrorKind::Unsupported, message).finally())
    }

    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        self.0.by_hand(target, fault)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Recovery> Recovery for Twice<R> {
    const KIND: &'static str = R::KIND;

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        self.0.recover(scope, permit).await?;
        self.0.recover(scope, permit).await
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        self.0.verify(scope).await
    }

    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        self.0.by_hand(target, fault)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Recovery> Recovery for Interrupted<R> {
    const KIND: &'static str = R::KIND;

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        let _ = self.0.recover(scope, permit).now_or_never();
        self.0.recover(scope, permit).await
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        self.0.verify(scope).await
    }

    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        self.0.by_hand(target, fault)
    }
}
