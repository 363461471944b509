use std::time::Duration;

use sd_notify::NotifyState;

/// The service manager that has started this process, if there is one. Without it, all of this is silent.
///
/// The protocol is that of `sd_notify(3)`.
#[derive(Debug)]
pub(super) struct Supervisor {
    watchdog: Option<Duration>,
}

impl Supervisor {
    pub(super) fn of_process() -> Self {
        Self { watchdog: sd_notify::watchdog_enabled() }
    }

    /// How often the watchdog wants to be fed at the latest, with room to spare.
    pub(super) fn feed_every(&self) -> Option<Duration> {
        self.watchdog.map(|limit| limit / 3)
    }

    pub(super) fn ready(&self, status: &str) {
        tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    pub(super) fn status(&self, status: &str) {
        tell(&[NotifyState::Status(status)]);
    }

    pub(super) fn reloading(&self) {
        let since = NotifyState::monotonic_usec_now().ok();
        tell(&std::iter::once(NotifyState::Reloading).chain(since).collect::<Vec<_>>());
    }

    pub(super) fn stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }

    pub(super) fn feed_watchdog(&self) {
        if self.watchdog.is_some() {
            tell(&[NotifyState::Watchdog]);
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
