use async_trait::async_trait;
use chaos_core::Observer;

/// Notifies people who are not at this terminal.
#[async_trait]
pub(in super::super) trait Notifier: Observer {
    /// Waits for the last messages. Returns what happened to them, if not every one has arrived.
    async fn finish(&self) -> Result<(), String>;
}
