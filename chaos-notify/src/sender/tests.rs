use async_trait::async_trait;
use chaos_core::{FaultId, Health, plan::Reason, testing::ManualClock};
use tokio::sync::Semaphore;

use serde_json::json;

use super::*;
use crate::patience::PATIENCE;

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
    let limit = ATTEMPT_LIMIT + Duration::from_secs(1);
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
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
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

/// Answers as it is told, one after the other, and then takes everything.
#[derive(Debug)]
struct Scripted {
    answers: Mutex<Vec<Result<()>>>,
    clock: Arc<ManualClock>,
    tried: Mutex<Vec<(Duration, String)>>,
    /// From when on the service is there.
    up_from: Duration,
}

impl Scripted {
    fn new(answers: Vec<Result<()>>) -> Arc<Self> {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::UNIX_EPOCH));
        let (answers, tried) = (Mutex::new(answers), Mutex::default());
        Arc::new(Self { answers, clock, tried, up_from: Duration::ZERO })
    }

    fn notifier(self: &Arc<Self>, settings: Settings) -> Arc<Sender> {
        Sender::over(Arc::clone(self), settings.clock(Arc::clone(&self.clock)))
    }

    fn tried(&self) -> Vec<(u64, String)> {
        self.tried.lock().unwrap().iter().map(|(at, subject)| (at.as_secs(), subject.clone())).collect()
    }
}

#[async_trait]
impl Channel for Arc<Scripted> {
    async fn send(&self, message: &Message) -> Result<()> {
        let now = self.clock.monotonic();
        self.tried.lock().unwrap().push((now, message.subject.clone()));
        if now < self.up_from {
            return Err(for_now());
        }
        let mut answers = self.answers.lock().unwrap();
        if answers.is_empty() { Ok(()) } else { answers.remove(0) }
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn name(&self) -> &str {
        "scripted"
    }
}

fn for_now() -> Error {
    Error::new(ErrorKind::Unavailable, "not now")
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_now_is_tried_again_after_longer_and_longer_waits() {
    let channel = Scripted::new(vec![Err(for_now()), Err(for_now()), Err(for_now())]);
    let notifier = channel.notifier(Settings::default());
    announced(&notifier, 1).await.unwrap();
    let after = notifier.flush(Duration::from_secs(60)).await;
    assert!(after.is_complete() && after.delivered == 1, "{after}");
    let times: Vec<u64> = channel.tried().into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [0, 1, 3, 7]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_asks_for_a_wait_gets_it_as_long_as_there_is_time() {
    let busy = |seconds| Error::new(ErrorKind::Throttled, "busy").retry_after(Duration::from_secs(seconds));
    let channel = Scripted::new(vec![Err(busy(90)), Err(busy(1_000_000)), Err(busy(5)), Ok(())]);
    let notifier = channel.notifier(Settings::default());
    announced(&notifier, 1).await.unwrap();
    recovered(&notifier, 2);
    let after = notifier.flush(Duration::from_secs(3_600)).await;
    assert_eq!((after.failed, after.delivered), (1, 2), "{after}");
    // The recovery came later and is more important. Ten minutes after its first attempt it is given up.
    let channel = channel.tried();
    let times: Vec<u64> = channel.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 90, 600, 600, 600]);
    assert_eq!(channel[4].1, "Chaos: 1 message was not delivered");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_good_is_not_tried_again_and_holds_up_no_other() {
    let channel = Scripted::new(vec![Err(Error::new(ErrorKind::Denied, "not you"))]);
    let notifier = channel.notifier(Settings::default());
    announced(&notifier, 1).await.unwrap();
    recovered(&notifier, 1);
    let after = notifier.flush(Duration::from_secs(60)).await;
    assert_eq!((after.failed, after.delivered), (1, 2), "the recovery, and what was not delivered: {after}");
    assert!(channel.tried().iter().all(|(at, _)| *at == 0), "{:?}", channel.tried());
}

#[tokio::test(start_paused = true)]
async fn while_a_message_waits_for_its_next_attempt_a_more_important_one_goes_first() {
    let channel = Scripted::new(vec![Err(for_now())]);
    let notifier = channel.notifier(Settings::default());
    announced(&notifier, 1).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(channel.tried().len(), 1);
    recovered(&notifier, 2);
    let after = notifier.flush(Duration::from_secs(60)).await;
    assert!(after.is_complete(), "{after}");
    let subjects: Vec<String> = channel.tried().into_iter().map(|(_, subject)| subject).collect();
    assert_eq!(
        subjects,
        [
            "Chaos: x:web/1: stop begins",
            "Chaos: x:web/2: stop is over, recovered",
            "Chaos: x:web/1: stop begins",
        ]
    );
}

/// An injection and a recovery each half hour, of a service that is down for a day.
#[tokio::test(start_paused = true)]
async fn a_day_without_the_service_delays_nothing_and_what_is_lost_is_counted_and_told() {
    let day = Duration::from_secs(24 * 3_600);
    let mut channel = Scripted::new(Vec::new());
    Arc::get_mut(&mut channel).unwrap().up_from = channel_start() + day;
    let notifier = channel.notifier(Settings::default());
    for number in 0..48 {
        let begun = channel.clock.monotonic();
        announced(&notifier, number).await.unwrap();
        recovered(&notifier, number);
        assert_eq!(channel.clock.monotonic(), begun, "nothing has waited");
        channel.clock.sleep(Duration::from_secs(1_800)).await;
    }
    let down = notifier.deliveries();
    assert_eq!((down.delivered, down.failed + down.waiting), (0, 96), "{down}");
    assert!(down.failed >= 90, "each was given up after ten minutes: {down}");
    announced(&notifier, 48).await.unwrap();
    let after = notifier.flush(day).await;
    let told = 97 - after.failed + 1;
    assert_eq!((after.waiting, after.dropped, after.delivered), (0, 0, told), "{after}");
    let tried = channel.tried();
    let losses = tried.iter().filter(|(_, subject)| subject.ends_with("not delivered")).collect::<Vec<_>>();
    assert_eq!(losses.len(), 1, "{losses:?}");
    assert_eq!(losses[0].1, format!("Chaos: {} messages were not delivered", after.failed));
}

/// `ManualClock::monotonic` begins with the clock.
fn channel_start() -> Duration {
    Duration::ZERO
}

#[tokio::test(start_paused = true)]
async fn a_required_announcement_is_tried_again_for_as_long_as_an_observer_is_asked() {
    let channel = Scripted::new(vec![Err(for_now()), Err(for_now())]);
    let required = channel.notifier(Settings::default().required());
    announced(&required, 1).await.unwrap();
    assert_eq!(channel.clock.monotonic().as_secs(), 3);

    let channel = Scripted::new((0..100).map(|_| Err(for_now())).collect());
    let required = channel.notifier(Settings::default().required());
    let error = announced(&required, 1).await.unwrap_err();
    assert_eq!(error.to_string(), "not now", "the channel says why");
    assert!(channel.clock.monotonic() <= ANNOUNCEMENT_LIMIT);
    assert_eq!((channel.tried().len(), required.deliveries().failed), (5, 1));
}

#[tokio::test(start_paused = true)]
async fn an_announcement_whose_observer_is_no_longer_asked_is_counted() {
    let hanging = notifier(&Gate::open(0, Answer::Takes), true);
    let mut asked = Box::pin(announced(&hanging, 1));
    assert!(futures_util::poll!(asked.as_mut()).is_pending());
    drop(asked);
    assert_eq!(hanging.deliveries().failed, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_less_important_than_was_asked_for_is_left_out() {
    let channel = Scripted::new(Vec::new());
    let settings = || Settings::default().least(Kind::Recovered);
    let notifier = channel.notifier(settings());
    announced(&notifier, 1).await.unwrap();
    skipped(&notifier, 1);
    announced(&notifier, 2).await.unwrap();
    recovered(&notifier, 2);
    let after = notifier.flush(Duration::from_secs(60)).await;
    assert!(after.is_complete() && after.delivered == 1, "{after}");
    let required = channel.notifier(settings().required());
    announced(&required, 3).await.unwrap();
    assert_eq!(channel.tried()[1].1, "Chaos: x:web/3: stop begins");
}
