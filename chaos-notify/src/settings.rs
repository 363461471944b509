use std::sync::Arc;

use chaos_core::{
    TargetId,
    clock::{Clock, SystemClock},
};

use crate::message::Kind;

/// How a person reaches a target; see [`Settings::whereabouts`].
pub(crate) type Whereabouts = fn(&TargetId) -> Option<String>;

/// Settings of a [`Notifier`](crate::Notifier).
#[derive(Clone, Debug)]
#[must_use = "settings do nothing before a notifier is made with them"]
pub struct Settings {
    pub(crate) is_required: bool,
    pub(crate) tells_idle_runs: bool,
    pub(crate) least: Kind,
    pub(crate) whereabouts: Whereabouts,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            is_required: false,
            tells_idle_runs: false,
            least: Kind::NothingInjected,
            whereabouts: |_| None,
            clock: Arc::new(SystemClock::default()),
        }
    }
}

impl Settings {
    /// Stops an injection whose announcement is not delivered: the target is left alone, and the report says why.
    /// Default: an announcement is sent beside the injection, and stops nothing.
    pub fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// Also reports runs that injected nothing and runs that could not be carried out, with the reason. Default: they
    /// are not reported.
    pub fn idle_runs(mut self) -> Self {
        self.tells_idle_runs = true;
        self
    }

    /// Leaves out every message that is less important than `kind`. A [required](Settings::required) announcement is
    /// sent all the same. Default: nothing is left out.
    pub fn least(mut self, kind: Kind) -> Self {
        self.least = kind;
        self
    }

    /// Adds to every message about a target how a person reaches it, such as the commands of its platform. The function
    /// returns `None` for targets that it does not know. Default: nothing is added.
    pub fn whereabouts(mut self, tell: fn(&TargetId) -> Option<String>) -> Self {
        self.whereabouts = tell;
        self
    }

    /// Sets the clock that waits use. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}
