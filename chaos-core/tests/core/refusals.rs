//! A refusal from outside does not end a recovery before its budget, and a slow answer is awaited.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::{Nothing, clock};
use chaos_core::{
    Error, ErrorKind, FaultId, Health, Hold, Journal, MemoryJournal, Monkey, Observer, Permit, Recovery,
    RecoveryScope, Registry, Result, RunReport, TargetId, Verdict, async_trait,
    clock::Clock,
    fault::{FaultRecord, FaultState, Magnitude, Mark},
    journal::{Arming, Limits},
    observer::Activity,
    recovery::RecoveryRecord,
    testing::{ManualClock, MemoryProvider},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

const BUDGET: Duration = Duration::from_secs(300);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The answers to the orders to recover, in turn. Afterwards each order is carried out.
#[derive(Default)]
struct Platform {
    refusals: Mutex<VecDeque<Error>>,
    refuses_for_ever: Option<Error>,
    /// How long a look takes.
    look_takes: Duration,
    /// The answer time that the shell promises.
    answers_within: Option<Duration>,
    /// When each order came.
    orders: Mutex<Vec<Duration>>,
    is_back: Mutex<bool>,
    looks: AtomicUsize,
    looks_at_a_time: AtomicUsize,
    most_looks_at_a_time: AtomicUsize,
    clock: Option<Arc<ManualClock>>,
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Platform")
    }
}

impl Platform {
    fn refusing(refusals: impl IntoIterator<Item = Error>) -> Self {
        Self { refusals: Mutex::new(refusals.into_iter().collect()), ..Self::default() }
    }

    /// One fault of ten seconds, recovered by this platform.
    async fn run(mut self) -> (Arc<Self>, RunReport, Vec<Activity>) {
        let clock = Arc::new(clock());
        self.clock = Some(Arc::clone(&clock));
        let platform = Arc::new(self);
        let equip = Arc::clone(&platform);
        let registry = Registry::default().register_with::<Asking>(move |mut recovery| {
            recovery.platform = Some(Arc::clone(&equip));
            recovery
        });
        let (told, hold) = (Told::default(), Hold::lasting(seconds(10)).unwrap());
        let monkey = Monkey::builder()
            .provider(MemoryProvider::default().with_group("web", 5).unwrap())
            .event(Nothing(hold, || Asking { platform: None }))
            .clock(clock)
            .observer(told.clone())
            .unleash(MemoryJournal::new(), registry)
            .build()
            .unwrap();
        let report = monkey.run_once().await.unwrap();
        let told = std::mem::take(&mut *told.0.lock().unwrap());
        (platform, report, told)
    }
}

#[derive(Clone, Debug, Default)]
struct Told(Arc<Mutex<Vec<Activity>>>);

impl Observer for Told {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        self.0.lock().unwrap().push(activity.clone());
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Asking {
    #[serde(skip)]
    platform: Option<Arc<Platform>>,
}

#[async_trait]
impl Recovery for Asking {
    const KIND: &'static str = "tests/asking/1";

    async fn recover(&self, _: &RecoveryScope, _: &Permit) -> Result<()> {
        let platform = self.platform.as_ref().unwrap();
        platform.orders.lock().unwrap().push(platform.clock.as_ref().unwrap().monotonic());
        if let Some(error) = platform.refusals.lock().unwrap().pop_front() {
            return Err(error);
        }
        if let Some(error) = &platform.refuses_for_ever {
            return Err(error.clone());
        }
        *platform.is_back.lock().unwrap() = true;
        Ok(())
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        let platform = self.platform.as_ref().unwrap();
        if scope.is_held() {
            return Ok(Verdict::NotYet("it is held".to_owned()));
        }
        if let Some(limit) = platform.answers_within {
            scope.expect_answers_within(limit);
        }
        platform.looks.fetch_add(1, Ordering::SeqCst);
        let under_way = platform.looks_at_a_time.fetch_add(1, Ordering::SeqCst) + 1;
        platform.most_looks_at_a_time.fetch_max(under_way, Ordering::SeqCst);
        platform.clock.as_ref().unwrap().sleep(platform.look_takes).await;
        platform.looks_at_a_time.fetch_sub(1, Ordering::SeqCst);
        let is_back = *platform.is_back.lock().unwrap();
        Ok(if is_back { Verdict::Back } else { Verdict::NotYet("it is not".to_owned()) })
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        "wait".to_owned()
    }
}

fn only(report: &RunReport) -> &FaultRecord {
    assert_eq!(report.faults.len(), 1, "{report}");
    &report.faults[0]
}

/// How long the recovery took.
fn took(fault: &FaultRecord) -> Duration {
    fault.ended_at.unwrap().duration_since(fault.recovering_at.unwrap()).try_into().unwrap()
}

#[tokio::test(start_paused = true)]
async fn whatever_is_answered_from_outside_is_tried_again() {
    let refusals = [
        ErrorKind::Denied,
        ErrorKind::InvalidInput,
        ErrorKind::Corrupt,
        ErrorKind::Unsupported,
        ErrorKind::NotFound,
        ErrorKind::Refused,
        ErrorKind::Conflict,
        ErrorKind::Other,
    ];
    let refusals = refusals.map(|kind| Error::new(kind, "no"));
    let (platform, report, told) = Platform::refusing(refusals.clone()).run().await;
    assert_eq!(only(&report).state, FaultState::Recovered, "{report}");
    assert_eq!(platform.orders.lock().unwrap().len(), refusals.len() + 1);
    let retried = told.iter().find_map(|activity| match activity {
        Activity::RecoveryRetried { attempt, failure, .. } => Some((*attempt, failure.kind)),
        _ => None,
    });
    assert_eq!(retried, Some((1, ErrorKind::Denied)), "told at the first refusal");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_to_the_end_is_told_as_that_and_when_the_budget_is_spent() {
    let platform = Platform {
        refuses_for_ever: Some(
            Error::new(ErrorKind::Denied, "access denied").caused_by("no policy allows it"),
        ),
        ..Platform::default()
    };
    let (platform, report, _) = platform.run().await;
    let fault = only(&report);
    assert_eq!(fault.state, FaultState::RecoveryFailed);
    assert_eq!(took(fault), BUDGET);
    let failure = fault.failure.as_ref().unwrap();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (ErrorKind::Denied, "access denied: no policy allows it")
    );
    assert!(platform.orders.lock().unwrap().len() > 30, "every ten seconds at the latest");
}

#[tokio::test(start_paused = true)]
async fn what_this_program_can_never_do_is_not_tried_again() {
    let (platform, report, _) = Platform::refusing([Error::unsupported("starting")]).run().await;
    assert_eq!(only(&report).state, FaultState::RecoveryFailed);
    assert_eq!(platform.orders.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_asks_to_wait_is_asked_again_when_it_says() {
    let slower = |wait| Error::new(ErrorKind::Throttled, "slower").retry_after(seconds(wait));
    let (platform, report, _) = Platform::refusing([slower(40), slower(200)]).run().await;
    assert_eq!(only(&report).state, FaultState::Recovered, "{report}");
    let orders = platform.orders.lock().unwrap().clone();
    let waits: Vec<Duration> = orders.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits, [seconds(40), seconds(200)]);
}

#[tokio::test(start_paused = true)]
async fn one_that_asks_to_wait_past_the_budget_is_asked_within_it_all_the_same() {
    let slower = Error::new(ErrorKind::Throttled, "slower").retry_after(seconds(3600));
    let (platform, report, _) = Platform::refusing([slower]).run().await;
    let fault = only(&report);
    assert_eq!((fault.state, platform.orders.lock().unwrap().len()), (FaultState::Recovered, 2), "{report}");
    assert!(took(fault) <= BUDGET / 2 + seconds(5), "{:?}", took(fault));
}

#[tokio::test(start_paused = true)]
async fn a_look_that_takes_longer_than_it_may_is_waited_for_and_not_begun_beside_itself() {
    let (platform, report, _) = Platform { look_takes: seconds(70), ..Platform::default() }.run().await;
    assert_eq!(only(&report).state, FaultState::Recovered, "{report}");
    assert_eq!(platform.most_looks_at_a_time.load(Ordering::SeqCst), 1);
    assert_eq!(platform.looks.load(Ordering::SeqCst), 2, "the second is given the time that the first took");
}

#[tokio::test(start_paused = true)]
async fn a_shell_that_says_how_long_it_takes_is_given_that_time() {
    let platform =
        Platform { look_takes: seconds(100), answers_within: Some(seconds(60)), ..Platform::default() };
    let (platform, report, _) = platform.run().await;
    let fault = only(&report);
    assert_eq!((fault.state, platform.orders.lock().unwrap().len()), (FaultState::Recovered, 1), "{report}");
}

#[tokio::test(start_paused = true)]
async fn who_recovers_later_gives_it_the_budget_that_it_was_armed_with() {
    let (journal, at) = (MemoryJournal::new(), clock().now());
    let target: TargetId = "memory:web/machine-1".parse().unwrap();
    let recovery = RecoveryRecord::new("tests/fickle/1", serde_json::json!({}));
    let id = "00000000000000ff".parse().unwrap();
    let fault = FaultRecord::armed(id, 1, target, "fickle", recovery, Magnitude::default(), at, at)
        .recover_by(at + SignedDuration::from_secs(900));
    assert!(matches!(journal.arm(&fault, &Limits::none()).await.unwrap(), Arming::Armed(_)));
    journal.mark(id, &Mark::new(FaultState::Injecting, at)).await.unwrap();
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    world.set_health(&fault.target, Health::Stopped).unwrap();
    crate::support::break_recovery(true);
    let later = crate::support::builder(&world, &journal).recovery_budget(seconds(10)).build().unwrap();
    let found = later.recover_pending().await.unwrap();
    assert_eq!(found.faults[0].state, FaultState::RecoveryFailed);
    assert_eq!(took(&found.faults[0]), seconds(900));
}

#[tokio::test(start_paused = true)]
async fn what_took_too_long_hides_no_answer_that_came_before() {
    let platform = Platform {
        refusals: Mutex::new([Error::new(ErrorKind::Unavailable, "the disk is on fire")].into()),
        refuses_for_ever: Some(Error::new(ErrorKind::Timeout, "no answer in time")),
        look_takes: seconds(1),
        ..Platform::default()
    };
    let (_, report, _) = platform.run().await;
    let failure = only(&report).failure.clone().unwrap();
    assert_eq!(failure.kind, ErrorKind::Timeout);
    assert_eq!(failure.message, "no answer in time: the disk is on fire");
}
