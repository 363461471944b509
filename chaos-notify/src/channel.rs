use std::fmt;

use async_trait::async_trait;
use chaos_core::Result;

use crate::message::Message;

/// Carries messages to people: a mail server, a topic, a chat. It knows nothing about chaos.
///
/// The [documentation of the crate](crate) has an example that prints.
#[async_trait]
pub trait Channel: fmt::Debug + Send + Sync + 'static {
    /// Hands one message to the service. A message may be handed over twice if a reply is lost;
    /// [`Message::id`] tells the second from the first.
    ///
    /// # Errors
    /// If the service did not accept the message. It is not sent again, so retry within this call if the failure may
    /// pass. After a [retryable](chaos_core::Error::is_retryable) error, the message may have reached people. After any
    /// other error, it has reached nobody.
    ///
    /// The call is dropped after 60 seconds, and the message counts as failed.
    async fn send(&self, message: &Message) -> Result<()>;

    /// The name of the channel in logs, such as the topic. It holds no secret.
    fn name(&self) -> &str;
}
