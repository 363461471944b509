use std::{fmt, sync::Arc};

use async_trait::async_trait;
use chaos_core::Result;

use super::Call;

/// Code around the calls to a part, such as [`Failing`](super::Failing) and [`Slow`](super::Slow). A test can add its
/// own, for instance one that records.
#[async_trait]
pub trait Interference<C: Call>: fmt::Debug + Send + Sync + 'static {
    /// Before the call. After an error, the call is not made, and the caller gets the error.
    async fn before(&self, call: C) -> Result<()> {
        let _ = call;
        Ok(())
    }

    /// After a call that succeeded. After an error, the caller gets the error instead of the result.
    async fn after(&self, call: C) -> Result<()> {
        let _ = call;
        Ok(())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<C: Call, I: Interference<C> + ?Sized> Interference<C> for Arc<I> {
    async fn before(&self, call: C) -> Result<()> {
        (**self).before(call).await
    }

    async fn after(&self, call: C) -> Result<()> {
        (**self).after(call).await
    }
}

/// A part with code around its calls. It implements the trait of the part: a provider around a provider, a journal
/// around a journal.
#[derive(Debug)]
pub struct Faulty<T, I> {
    pub(super) inner: T,
    pub(super) interference: Arc<I>,
}

impl<T, I> Faulty<T, I> {
    /// Puts `interference` around the calls to `inner`.
    pub fn new(inner: T, interference: I) -> Self {
        Self::sharing(inner, Arc::new(interference))
    }

    pub(super) fn sharing(inner: T, interference: Arc<I>) -> Self {
        Self { inner, interference }
    }
}
