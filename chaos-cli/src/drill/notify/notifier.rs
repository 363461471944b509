use async_trait::async_trait;
use chaos_core::Observer;

/// Tells people who are not at this terminal.
#[async_trait]
pub(in super::super) trait Notifier: Observer {
    /// Waits for the last messages; what has become of them, where not every one has arrived.
    async fn finish(&self) -> Result<(), String>;
}
