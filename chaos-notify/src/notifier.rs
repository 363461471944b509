use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chaos_core::{
    Observer, Result,
    observer::{Activity, Intended},
};
use jiff::Timestamp;

use crate::{channel::Channel, outbox::Deliveries, sender::Sender, settings::Settings};

/// An observer that tells people what happens, over a [`Channel`]. Clones share one outbox.
///
/// The [documentation of the crate](crate) describes the messages, and their order.
#[derive(Clone, Debug)]
pub struct Notifier {
    sender: Arc<Sender>,
}

impl Notifier {
    /// Makes a notifier that sends over `channel`. It sends no message before the first activity.
    pub fn over(channel: impl Channel, settings: Settings) -> Self {
        Self { sender: Sender::over(channel, settings) }
    }

    /// Waits until every message so far is delivered or given up, for at most `limit`, and returns the delivery counts.
    ///
    /// Cancel safe: the messages are still sent, as long as the runtime lives.
    pub async fn flush(&self, limit: Duration) -> Deliveries {
        self.sender.flush(limit).await
    }

    /// The delivery counts so far.
    pub fn deliveries(&self) -> Deliveries {
        self.sender.deliveries()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Observer for Notifier {
    fn observe(&self, at: Timestamp, activity: &Activity) {
        self.sender.observe(at, activity);
    }

    async fn before_injection(&self, at: Timestamp, intended: &Intended) -> Result<()> {
        self.sender.announce(at, intended).await
    }
}
