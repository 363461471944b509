//! Notifications: tells people what chaos does to their targets, and how to undo it by hand.
//!
//! A [`Notifier`] is an observer. It puts a [`Message`] into words, keeps it in an outbox, and sends it over a
//! [`Channel`], which knows nothing about chaos: it carries a subject and a body to people. There are these:
//!
//! | channel | feature | messages go to |
//! |---|---|---|
//! | [`JsonLines`] | | standard output or a file, as lines of JSON |
//! | `webhook::Webhook` | `webhook` | a program of your own, Slack, or Microsoft Teams |
//! | `email::Email` | `email` | a mail server |
//! | `SnsNotifier`, `SesNotifier` | of the crate `chaos-aws` | SNS, SES |
//!
//! No feature is on by default. The feature `metrics` has another observer, `metrics::MetricsObserver`, for figures
//! instead of words.
//!
//! - *Before an injection*: the target, the event, the reason, the hypothesis if there is one, the deadline, and how to
//!   undo the fault by hand. If the notifier is [required](Settings::required), an announcement that is not delivered
//!   stops the injection.
//! - *Afterwards*: when the target was back, how long the recovery took and what it saw; or that nothing was injected
//!   after all. A recovery that failed is sent before everything else.
//! - *Of a [steady state](chaos_core::steady_state)*: that a probe is violated while a fault is in effect; that the
//!   system is steady again after that, or was not seen to be in time; and at the end of the run, that the hypothesis
//!   was wrong or was not tested. A violation before a fault is the reason why a target is left alone, and is told with
//!   that.
//! - *In the background*: all other messages wait in an outbox of 256, and a separate task sends them. Nothing waits
//!   for it. Messages about one fault keep their order. If there is no room, announcements are left out, with a
//!   warning; the ends of faults are told in one message together.
//! - *Again*: a message that is not accepted for now is tried again for ten minutes over the channels of this crate,
//!   and as long as [`Channel::patience`] says over others; a required announcement for 25 seconds. A message that is
//!   given up is counted and logged, and the next one that is delivered is followed by one that tells of it.
//! - *If it is important enough*: [`Settings::least`] leaves out what is less important.
//! - *At the end*: [`Notifier::flush`] waits for the last messages. If the process ends, messages that still wait are
//!   lost.
//!
//! A channel of your own:
//!
//! ```
//! use std::time::Duration;
//!
//! use chaos_core::{
//!     MemoryJournal, Monkey, Registry, Result, async_trait,
//!     testing::{MemoryProvider, PowerOff, PowerOn},
//! };
//! use chaos_notify::{Channel, Kind, Message, Notifier, Settings};
//!
//! /// Prints to standard output, and so never fails.
//! #[derive(Debug)]
//! struct Printed;
//!
//! #[async_trait]
//! impl Channel for Printed {
//!     async fn send(&self, message: &Message) -> Result<()> {
//!         let loud = if message.kind == Kind::RecoveryFailed { "!!! " } else { "" };
//!         println!("{loud}{}\n\n{}", message.subject, message.body);
//!         Ok(())
//!     }
//!
//!     fn name(&self) -> &str {
//!         "standard output"
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<()> {
//! let notifier = Notifier::over(Printed, Settings::default().required());
//! let monkey = Monkey::builder()
//!     .provider(MemoryProvider::default().with_group("web", 5)?)
//!     .event(PowerOff::default())
//!     .observer(notifier.clone())
//!     .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
//!     .build()?;
//! monkey.run_once().await?.ensure_completed()?;
//! let sent = notifier.flush(Duration::from_secs(30)).await;
//! assert!(sent.is_complete() && sent.delivered == 2, "{sent}"); // the announcement, and that it is over
//! # Ok(())
//! # }
//! ```

#[cfg(any(feature = "email", feature = "webhook"))]
mod authorities;
mod channel;
mod composer;
mod digest;
#[cfg(feature = "email")]
pub mod email;
mod end;
mod experiments;
mod json_lines;
mod message;
#[cfg(feature = "metrics")]
pub mod metrics;
mod notifier;
mod outbox;
mod patience;
#[cfg(any(feature = "email", feature = "webhook"))]
mod secret;
mod sender;
mod settings;
mod story;
mod text;
#[cfg(feature = "webhook")]
pub mod webhook;

pub use channel::Channel;
pub use json_lines::JsonLines;
pub use message::{Kind, Message};
pub use notifier::Notifier;
pub use outbox::Deliveries;
pub use settings::Settings;
