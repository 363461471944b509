use std::fmt;

use async_trait::async_trait;
use chaos_core::Result;

use super::message::Message;

/// What carries messages to people.
#[async_trait]
pub(super) trait Channel: fmt::Debug + Send + Sync + 'static {
    /// Hands a message to the service. It may arrive twice where a reply is lost.
    async fn send(&self, message: &Message) -> Result<()>;

    /// Names it in logs, such as by the topic.
    fn name(&self) -> &str;
}
