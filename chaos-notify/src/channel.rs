use std::{fmt, sync::Arc, time::Duration};

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
    /// If the service did not accept the message. After a [retryable](chaos_core::Error::is_retryable) error, the
    /// message may have reached people, and it is tried again for as long as [`patience`](Channel::patience) says.
    /// After any other error, it has reached nobody, and is not sent again.
    ///
    /// The call is dropped after 60 seconds, which counts as a retryable error.
    async fn send(&self, message: &Message) -> Result<()>;

    /// For how long a message is tried again after a retryable error, from its first attempt on. The waits between the
    /// attempts begin with a second and double up to a minute; if an error
    /// [asks for a longer wait](chaos_core::Error::asks_to_wait), it is that one, as far as there is time for it.
    /// Meanwhile, more important messages go first. Default: zero, for channels that retry within a call.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// The name of the channel in logs, such as the topic. It holds no secret.
    fn name(&self) -> &str;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<C: Channel + ?Sized> Channel for Arc<C> {
    async fn send(&self, message: &Message) -> Result<()> {
        (**self).send(message).await
    }

    fn patience(&self) -> Duration {
        (**self).patience()
    }

    fn name(&self) -> &str {
        (**self).name()
    }
}
