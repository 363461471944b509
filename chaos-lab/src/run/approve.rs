use std::fmt;

use chaos_core::async_trait;

/// Who approves the steps that ask for it.
#[async_trait]
pub trait Approve: fmt::Debug + Send + Sync + 'static {
    /// Whether the step may be carried out. If there is nobody to ask, it may not.
    async fn approve(&self, question: &str) -> bool;
}
