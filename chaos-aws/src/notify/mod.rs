//! Notifications through SNS and SES: channels of `chaos-notify`, which has the texts and the outbox.

mod address;
mod ses;
mod settings;
mod sns;
mod topic;
mod whereabouts;

pub use chaos_notify::Deliveries;
pub use ses::{SesNotifier, SesNotifierBuilder};
pub use sns::{SnsNotifier, SnsNotifierBuilder};
