//! The recovery under test, carried out otherwise. Each reads what the original wrote, because it bears its kind.

use async_trait::async_trait;
use chaos_core::{Permit, Recovery, Result, Scope, Verdict};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

/// Recovers nothing and verifies.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct OnlyVerified<R>(R);

/// Recovers twice.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Twice<R>(R);

/// Is dropped at the first place where it waits, and begun again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Interrupted<R>(R);

#[async_trait]
impl<R: Recovery> Recovery for OnlyVerified<R> {
    const KIND: &'static str = R::KIND;

    async fn recover(&self, _: &Scope, _: &Permit) -> Result<()> {
        Ok(())
    }

    async fn verify(&self, scope: &Scope) -> Result<Verdict> {
        self.0.verify(scope).await
    }
}

#[async_trait]
impl<R: Recovery> Recovery for Twice<R> {
    const KIND: &'static str = R::KIND;

    async fn recover(&self, scope: &Scope, permit: &Permit) -> Result<()> {
        self.0.recover(scope, permit).await?;
        self.0.recover(scope, permit).await
    }

    async fn verify(&self, scope: &Scope) -> Result<Verdict> {
        self.0.verify(scope).await
    }
}

#[async_trait]
impl<R: Recovery> Recovery for Interrupted<R> {
    const KIND: &'static str = R::KIND;

    async fn recover(&self, scope: &Scope, permit: &Permit) -> Result<()> {
        let _ = self.0.recover(scope, permit).now_or_never();
        self.0.recover(scope, permit).await
    }

    async fn verify(&self, scope: &Scope) -> Result<Verdict> {
        self.0.verify(scope).await
    }
}
