//! Notifications: observers that tell people through SNS and SES.
//!
//! The words are put together without regard to the channel (`composer`, `story`), wait in an `outbox`, and are sent by
//! a `notifier` over a `channel`.

mod address;
mod channel;
mod composer;
mod digest;
mod message;
mod notifier;
mod outbox;
mod ses;
mod settings;
mod sns;
mod story;
mod text;
mod topic;
mod whereabouts;

pub use outbox::Deliveries;
pub use ses::{SesNotifier, SesNotifierBuilder};
pub use sns::{SnsNotifier, SnsNotifierBuilder};
