use std::{
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chaos_core::{
    Error, ErrorKind, Result,
    clock::Clock,
    observer::{Activity, Intended},
};
use futures_util::future::{Either, select};
use jiff::Timestamp;
use tokio::{runtime::Handle, sync::watch};

use crate::{
    channel::Channel,
    composer::Composer,
    end::{End, count},
    message::{Kind, Message},
    outbox::{Deliveries, Outbox},
    settings::Settings,
};

/// The most waiting messages.
const ROOM: usize = 256;

/// The time-out for one attempt to deliver a message, including the retries of an SDK.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(60);

/// The time-out for a required announcement and all its attempts. Observers are asked for 30 seconds, and a channel is
/// to say itself why it was not delivered.
const ANNOUNCEMENT_LIMIT: Duration = Duration::from_secs(25);

/// The wait after the first attempt that failed. It doubles after each.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait between two attempts, unless a service asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The inside of a notifier. It composes messages from the activities that it observes, and sends them over its channel
/// in a task that lives while a message waits.
pub(crate) struct Sender {
    channel: Box<dyn Channel>,
    is_required: bool,
    least: Kind,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// The number of unfinished messages.
    waiting: watch::Sender<usize>,
}

#[derive(Debug)]
struct State {
    composer: Composer,
    outbox: Outbox,
}

impl Sender {
    pub(crate) fn over(channel: impl Channel, settings: Settings) -> Arc<Self> {
        let state = State { composer: Composer::new(&settings), outbox: Outbox::of(ROOM) };
        Arc::new(Self {
            channel: Box::new(channel),
            is_required: settings.is_required,
            least: settings.least,
            clock: settings.clock,
            state: Mutex::new(state),
            waiting: watch::Sender::new(0),
        })
    }

    /// Puts the message, if any, into the outbox, and returns.
    pub(crate) fn observe(self: &Arc<Self>, at: Timestamp, activity: &Activity) {
        let mut state = self.state();
        let message = state.composer.compose(at, activity).filter(|message| message.kind >= self.least);
        let Some(message) = message else { return };
        self.post(state, message);
    }

    /// Returns when the announcement is delivered, if that is required; otherwise at once.
    pub(crate) async fn announce(self: &Arc<Self>, at: Timestamp, intended: &Intended) -> Result<()> {
        let message = {
            let mut state = self.state();
            let message = state.composer.announce(at, intended);
            if !self.is_required {
                if message.kind >= self.least {
                    self.post(state, message);
                }
                return Ok(());
            }
            message
        };
        let counted = Counted { sender: self, is_delivered: false };
        let sent = self.send_now(&message).await;
        counted.end(sent.is_ok());
        // A refused message has reached nobody. After any other error, that is unknown.
        if sent.as_ref().is_err_and(|error| !error.is_retryable()) {
            self.state().composer.forget(intended.fault);
        }
        sent
    }

    /// Sends a message that is waited for. It is tried again if the channel has it so and there is time.
    async fn send_now(&self, message: &Message) -> Result<()> {
        let (begun, mut failures) = (self.clock.monotonic(), 0);
        loop {
            let left = ANNOUNCEMENT_LIMIT.saturating_sub(self.clock.monotonic().saturating_sub(begun));
            let error = match self.send(message, left.min(ATTEMPT_LIMIT)).await {
                Err(error) if error.is_retryable() => error,
                done => return done,
            };
            failures += 1;
            let wait = wait_after(failures, &error);
            let left = ANNOUNCEMENT_LIMIT.min(self.channel.patience());
            if self.clock.monotonic().saturating_sub(begun) + wait >= left {
                return Err(error);
            }
            self.clock.sleep(wait).await;
        }
    }

    /// Waits until no message waits any more, for at most `limit`.
    pub(crate) async fn flush(self: &Arc<Self>, limit: Duration) -> Deliveries {
        self.deliver();
        let mut waiting = self.waiting.subscribe();
        let empty = pin!(waiting.wait_for(|waiting| *waiting == 0));
        let late = pin!(self.clock.sleep(limit));
        select(empty, late).await;
        self.deliveries()
    }

    pub(crate) fn deliveries(&self) -> Deliveries {
        self.state().outbox.deliveries()
    }

    fn post(self: &Arc<Self>, mut state: MutexGuard<'_, State>, message: Message) {
        let left_out = state.outbox.push(message);
        self.recount(&state);
        drop(state);
        if let Some(message) = left_out {
            count(self.channel.name(), End::Dropped, 1);
            let (channel, subject) = (self.channel.name(), &message.subject);
            tracing::warn!(channel, subject, "too many notifications are waiting; one is dropped");
        }
        self.deliver();
    }

    /// Ensures that a task sends the waiting messages.
    fn deliver(self: &Arc<Self>) {
        // Without a runtime, they wait for the next call inside one.
        let Ok(runtime) = Handle::try_current() else { return };
        if self.state().outbox.attend() {
            runtime.spawn(Duty { sender: Arc::clone(self), is_over: false }.carry_out());
        }
    }

    async fn send(&self, message: &Message, limit: Duration) -> Result<()> {
        let late = pin!(self.clock.sleep(limit));
        match select(self.channel.send(message), late).await {
            Either::Left((sent, _)) => sent,
            Either::Right(_) => {
                let error = Error::new(ErrorKind::Timeout, "a notification was not delivered in time");
                Err(error.with("channel", self.channel.name()).with("limit", format_args!("{limit:?}")))
            }
        }
    }

    fn recount(&self, state: &State) {
        self.waiting.send_replace(state.outbox.deliveries().waiting);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("channel", &self.channel.name())
            .field("is_required", &self.is_required)
            .finish_non_exhaustive()
    }
}

/// Sends one message after another until none is left. Only one task is on duty, which keeps the order. If it is
/// dropped half-way, for instance with its runtime, it leaves the rest to the next one.
struct Duty {
    sender: Arc<Sender>,
    is_over: bool,
}

impl Duty {
    async fn carry_out(mut self) {
        let mut failures = 0;
        while let Some(message) = self.next() {
            let begun = self.sender.clock.monotonic();
            match self.sender.send(&message, ATTEMPT_LIMIT).await {
                Ok(()) => {
                    failures = 0;
                    self.delivered(&message);
                }
                Err(error) => {
                    // A refusal is about this message, and no reason to let the others wait.
                    failures = if error.is_retryable() { failures + 1 } else { failures };
                    if let Some(wait) = self.failed(&message, &error, begun, failures) {
                        self.sender.clock.sleep(wait).await;
                    }
                }
            }
        }
    }

    fn next(&mut self) -> Option<Arc<Message>> {
        let next = self.sender.state().outbox.take();
        self.is_over = next.is_none();
        next
    }

    fn delivered(&self, message: &Message) {
        let channel = self.sender.channel.name();
        tracing::debug!(channel, subject = message.subject, "a notification is delivered");
        let mut state = self.sender.state();
        let number = state.outbox.delivered();
        self.sender.recount(&state);
        drop(state);
        count(channel, End::Delivered, number);
    }

    /// Keeps the message for another attempt, after the wait that is returned, or gives it up.
    fn failed(&self, message: &Message, error: &Error, begun: Duration, failures: u32) -> Option<Duration> {
        let (sender, channel) = (&self.sender, self.sender.channel.name());
        let (subject, why) = (&message.subject, error.chain());
        let mut state = sender.state();
        if error.is_retryable() {
            let (now, limit) = (sender.clock.monotonic(), sender.channel.patience());
            if let Some(left) = state.outbox.again(begun, now, limit) {
                sender.recount(&state);
                let wait = wait_after(failures, error).min(left);
                tracing::info!(channel, subject, why, ?wait, "a notification is tried again");
                return Some(wait);
            }
        }
        let number = state.outbox.gave_up();
        sender.recount(&state);
        drop(state);
        count(channel, End::Failed, number);
        if message.kind == Kind::RecoveryFailed {
            tracing::error!(channel, subject, error = why, "a notification could not be delivered");
        } else {
            tracing::warn!(channel, subject, error = why, "a notification could not be delivered");
        }
        None
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        if !self.is_over {
            self.sender.state().outbox.abandon();
        }
    }
}

/// The wait after this many failures in a row: what the back-off says, or what the service asks for if that is longer.
fn wait_after(failures: u32, error: &Error) -> Duration {
    let doubled = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let wait = FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT);
    wait.max(error.asks_to_wait().unwrap_or_default())
}

/// Counts a message that is waited for, also if the wait is dropped.
struct Counted<'a> {
    sender: &'a Sender,
    is_delivered: bool,
}

impl Counted<'_> {
    fn end(mut self, is_delivered: bool) {
        self.is_delivered = is_delivered;
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.sender.state().outbox.count(self.is_delivered, 1);
        count(self.sender.channel.name(), if self.is_delivered { End::Delivered } else { End::Failed }, 1);
    }
}

#[cfg(test)]
mod tests;
