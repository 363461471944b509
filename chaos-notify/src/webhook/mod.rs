//! Messages by HTTP.

mod answer;
mod slack;
mod style;
mod teams;
mod webhook;

pub use style::Style;
pub use webhook::{Webhook, WebhookBuilder};
