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
    message::{Kind, Message},
    outbox::{Deliveries, Outbox},
    settings::Settings,
};

/// The most waiting messages.
const ROOM: usize = 256;

/// The time-out for the delivery of one message, including the retries of the SDK.
const DELIVERY_LIMIT: Duration = Duration::from_secs(60);

/// The inside of a notifier. It composes messages from the activities that it observes, and sends them over its channel
/// in a task that lives while a message waits.
pub(crate) struct Sender {
    channel: Box<dyn Channel>,
    is_required: bool,
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
            clock: settings.clock,
            state: Mutex::new(state),
            waiting: watch::Sender::new(0),
        })
    }

    /// Puts the message, if any, into the outbox, and returns.
    pub(crate) fn observe(self: &Arc<Self>, at: Timestamp, activity: &Activity) {
        let mut state = self.state();
        let Some(message) = state.composer.compose(at, activity) else { return };
        self.post(state, message);
    }

    /// Returns when the announcement is delivered, if that is required; otherwise at once.
    pub(crate) async fn announce(self: &Arc<Self>, at: Timestamp, intended: &Intended) -> Result<()> {
        let message = {
            let mut state = self.state();
            let message = state.composer.announce(at, intended);
            if !self.is_required {
                self.post(state, message);
                return Ok(());
            }
            message
        };
        let sent = self.send(&message).await;
        let mut state = self.state();
        state.outbox.count(sent.is_ok(), 1);
        // A refused message has reached nobody. After any other error, that is unknown.
        if sent.as_ref().is_err_and(|error| !error.is_retryable()) {
            state.composer.forget(intended.fault);
        }
        sent
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

    async fn send(&self, message: &Message) -> Result<()> {
        let late = pin!(self.clock.sleep(DELIVERY_LIMIT));
        match select(self.channel.send(message), late).await {
            Either::Left((sent, _)) => sent,
            Either::Right(_) => {
                let error = Error::new(ErrorKind::Timeout, "a notification was not delivered in time");
                Err(error
                    .with("channel", self.channel.name())
                    .with("limit", format_args!("{DELIVERY_LIMIT:?}")))
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
        while let Some(message) = self.next() {
            let sent = self.sender.send(&message).await;
            let channel = self.sender.channel.name();
            match &sent {
                Ok(()) => tracing::debug!(channel, subject = message.subject, "a notification is delivered"),
                Err(error) if message.kind == Kind::RecoveryFailed => {
                    let (subject, error) = (&message.subject, error.chain());
                    tracing::error!(channel, subject, error, "a notification could not be delivered");
                }
                Err(error) => {
                    let (subject, error) = (&message.subject, error.chain());
                    tracing::warn!(channel, subject, error, "a notification could not be delivered");
                }
            }
            let mut state = self.sender.state();
            state.outbox.ended(sent.is_ok());
            self.sender.recount(&state);
        }
    }

    fn next(&mut self) -> Option<Arc<Message>> {
        let next = self.sender.state().outbox.take();
        self.is_over = next.is_none();
        next
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        if !self.is_over {
            self.sender.state().outbox.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use chaos_core::{FaultId, Health, plan::Reason, testing::ManualClock};
    use tokio::sync::Semaphore;

    use serde_json::json;

    use super::*;

    /// Delivers as many messages as there are permits.
    #[derive(Debug)]
    struct Gate {
        permits: Semaphore,
        answer: Answer,
        begun: watch::Sender<usize>,
        delivered: Mutex<Vec<String>>,
    }

    #[derive(Clone, Copy, Debug)]
    enum Answer {
        Takes,
        Refuses,
        Fails,
    }

    impl Gate {
        fn open(permits: usize, answer: Answer) -> Arc<Self> {
            let (begun, delivered) = (watch::Sender::new(0), Mutex::default());
            Arc::new(Self { permits: Semaphore::new(permits), answer, begun, delivered })
        }

        fn delivered(&self) -> Vec<String> {
            self.delivered.lock().unwrap().clone()
        }

        /// Returns when this many have been tried.
        async fn has_begun(&self, number: usize) {
            self.begun.subscribe().wait_for(|begun| *begun == number).await.unwrap();
        }
    }

    #[async_trait]
    impl Channel for Arc<Gate> {
        async fn send(&self, message: &Message) -> Result<()> {
            self.begun.send_modify(|begun| *begun += 1);
            self.permits.acquire().await.unwrap().forget();
            match self.answer {
                Answer::Takes => {
                    let told = format!("{} {}", message.kind.as_str(), message.fault.unwrap());
                    self.delivered.lock().unwrap().push(told);
                    Ok(())
                }
                Answer::Refuses => Err(Error::new(ErrorKind::NotFound, "there is no such topic")),
                Answer::Fails => Err(Error::new(ErrorKind::Unavailable, "no answer")),
            }
        }

        fn name(&self) -> &str {
            "gate"
        }
    }

    fn notifier(gate: &Arc<Gate>, is_required: bool) -> Arc<Sender> {
        let settings = Settings::default().clock(ManualClock::starting_at(Timestamp::UNIX_EPOCH));
        Sender::over(Arc::clone(gate), Settings { is_required, ..settings })
    }

    fn fault(number: usize) -> FaultId {
        format!("{number:016x}").parse().unwrap()
    }

    fn intended(number: usize) -> Intended {
        let target = format!("x:web/{number}").parse().unwrap();
        Intended::new(fault(number), target, "stop", Timestamp::UNIX_EPOCH)
    }

    async fn announced(notifier: &Arc<Sender>, number: usize) -> Result<()> {
        notifier.announce(Timestamp::UNIX_EPOCH, &intended(number)).await
    }

    fn recovered(notifier: &Arc<Sender>, number: usize) {
        let recovered = json!({
            "activity": "recovered", "fault": fault(number), "target": intended(number).target, "event": "stop",
            "seed": 1, "deadline": Timestamp::UNIX_EPOCH, "time_to_recover": null,
        });
        let activity = serde_json::from_value(recovered).unwrap();
        notifier.observe(Timestamp::UNIX_EPOCH, &activity);
    }

    fn skipped(notifier: &Arc<Sender>, number: usize) {
        let reason = Reason::not_healthy(Health::Unhealthy);
        let skipped = json!({
            "activity": "skipped", "run": "0000000000000001", "fault": fault(number),
            "target": intended(number).target, "event": "stop", "reason": reason,
        });
        let activity = serde_json::from_value(skipped).unwrap();
        notifier.observe(Timestamp::UNIX_EPOCH, &activity);
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_the_channel_does_nobody_waits_for_it() {
        let gate = Gate::open(0, Answer::Takes);
        let notifier = notifier(&gate, false);
        for number in 0..ROOM {
            announced(&notifier, number).await.unwrap();
            recovered(&notifier, number);
        }
        // The first one is on its way, for as long as the channel takes.
        gate.has_begun(1).await;
        let before = notifier.deliveries();
        assert_eq!((before.waiting, before.dropped), (ROOM, ROOM), "{before}");
        let after = notifier.flush(Duration::from_secs(30)).await;
        assert_eq!(after, before, "it waits no longer than it may");
        assert!(!after.is_complete());

        gate.permits.add_permits(ROOM);
        let after = notifier.flush(Duration::from_secs(30)).await;
        assert_eq!((after.waiting, after.delivered), (0, ROOM));
        // The least important were left out: the announcements.
        let delivered = gate.delivered();
        let recovered = delivered.iter().filter(|told| told.starts_with("recovered")).count();
        assert_eq!(recovered, ROOM, "{delivered:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_delivered_in_time_is_given_up_and_the_next_one_goes() {
        let gate = Gate::open(0, Answer::Takes);
        let notifier = notifier(&gate, false);
        announced(&notifier, 1).await.unwrap();
        recovered(&notifier, 1);
        let limit = DELIVERY_LIMIT + Duration::from_secs(1);
        let (after, ()) = tokio::join!(notifier.flush(limit), async {
            gate.has_begun(2).await;
            gate.permits.add_permits(1);
        });
        assert_eq!((after.failed, after.delivered), (1, 1), "{after}");
        assert_eq!(gate.delivered(), ["recovered 0000000000000001"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_required_announcement_is_waited_for_and_others_never_are() {
        let gate = Gate::open(0, Answer::Takes);
        let required = notifier(&gate, true);
        let (sent, ()) = tokio::join!(announced(&required, 1), async {
            gate.has_begun(1).await;
            assert_eq!(gate.delivered(), [""; 0]);
            gate.permits.add_permits(1);
        });
        sent.unwrap();
        assert_eq!(gate.delivered(), ["announced 0000000000000001"]);

        for answer in [Answer::Refuses, Answer::Fails] {
            let gate = Gate::open(usize::MAX >> 3, answer);
            let required = notifier(&gate, true);
            announced(&required, 1).await.unwrap_err();
            assert_eq!(required.deliveries().failed, 1);
            let optional = notifier(&gate, false);
            announced(&optional, 1).await.unwrap();
            assert_eq!(optional.flush(Duration::from_secs(1)).await.failed, 1);
        }
        // One that hangs is given up as well.
        let hanging = notifier(&Gate::open(0, Answer::Takes), true);
        assert_eq!(announced(&hanging, 1).await.unwrap_err().kind(), ErrorKind::Timeout);
    }

    #[tokio::test(start_paused = true)]
    async fn only_who_may_have_been_told_is_told_that_it_came_to_nothing() {
        for (answer, told) in [(Answer::Refuses, 0), (Answer::Fails, 1), (Answer::Takes, 1)] {
            let gate = Gate::open(1, answer);
            let notifier = notifier(&gate, true);
            let _ = announced(&notifier, 1).await;
            skipped(&notifier, 1);
            assert_eq!(notifier.deliveries().waiting, told, "{answer:?}");
        }
    }

    #[test]
    fn messages_outlive_the_runtime_that_was_sending_them() {
        let runtime = || {
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
        };
        let gate = Gate::open(0, Answer::Takes);
        let first = runtime();
        let notifier = first.block_on(async {
            let notifier = notifier(&gate, false);
            announced(&notifier, 1).await.unwrap();
            gate.has_begun(1).await;
            notifier
        });
        drop(first);
        // Outside of a runtime, no task can send it yet.
        recovered(&notifier, 1);
        assert_eq!(notifier.deliveries().waiting, 2);
        gate.permits.add_permits(2);
        let after = runtime().block_on(notifier.flush(Duration::from_secs(30)));
        assert!(after.is_complete(), "{after}");
        assert_eq!(gate.delivered(), ["announced 0000000000000001", "recovered 0000000000000001"]);
    }
}
