//! Notifications about a drill, with any provider.

#[cfg(not(feature = "aws"))]
mod absent;
mod arguments;
mod notifier;
#[cfg(feature = "aws")]
mod notifiers;

#[cfg(not(feature = "aws"))]
pub(super) use absent::notifiers;
pub(super) use arguments::NotifyArguments;
pub(super) use notifier::Notifier;
#[cfg(feature = "aws")]
pub(super) use notifiers::notifiers;
