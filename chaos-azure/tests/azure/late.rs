//! No order that injects is sent after the deadline of its fault, by any event.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chaos_core::{
    BlastRadius, CapabilitySet, ChaosEvent, Hold, MemoryJournal, Monkey, Observer, Permit, Prepared,
    Provider, Result, RunReport, Scope, TargetId, async_trait,
    capability::{Capabilities, Change, Script},
    clock::{Clock, SystemClock},
    fault::BoxFuture,
    observer::Activity,
};
use chaos_events::StartAgain;
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet};
use jiff::{SignedDuration, Timestamp};

use crate::cloud::{list, scale_sets, sets};

/// The machine slept for an hour just after the start of the injection, and no timer has noticed.
#[derive(Clone, Debug, Default)]
struct Slept(Arc<AtomicBool>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Clock for Slept {
    fn now(&self) -> Timestamp {
        let now = SystemClock::default().now();
        if self.0.load(Ordering::SeqCst) { now + SignedDuration::from_hours(1) } else { now }
    }

    fn monotonic(&self) -> Duration {
        SystemClock::default().monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        SystemClock::default().sleep(duration).await;
    }
}

impl Observer for Slept {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        if matches!(activity, Activity::Injecting { .. }) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

type Order = for<'a> fn(&'a Capabilities, &'a Permit) -> BoxFuture<'a, Result<()>>;

/// Gives one order, and does not check the time itself.
#[derive(Clone, Copy)]
struct Careless(Order);

impl fmt::Debug for Careless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Careless")
    }
}

#[async_trait]
impl ChaosEvent for Careless {
    fn name(&self) -> &'static str {
        "careless"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        Hold::DEFAULT
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let (order, capabilities) = (self.0, scope.target().capabilities());
        Ok(Prepared::new(StartAgain::of(scope.group()), move |permit| {
            Box::pin(async move { order(&capabilities, permit).await })
        }))
    }
}

async fn isolated(of: &Capabilities, permit: &Permit) -> Result<()> {
    let settings = of.settings()?;
    let before = settings.snapshot(&Change::Isolate).await?;
    settings.apply(&Change::Isolate, &before, permit).await
}

fn orders() -> Vec<Order> {
    vec![
        |of, permit| Box::pin(async move { of.lifecycle()?.stop(permit).await }),
        |of, permit| Box::pin(async move { of.lifecycle()?.reboot(permit).await }),
        |of, permit| Box::pin(isolated(of, permit)),
        |of, permit| Box::pin(async move { of.shell()?.run(&Script::new("true"), permit).await.map(|_| ()) }),
    ]
}

async fn give(provider: impl Provider, order: Order, target: &TargetId) -> RunReport {
    let slept = Slept::default();
    let monkey = Monkey::builder()
        .provider(provider)
        .blast_radius(BlastRadius::default().min_healthy(0))
        .settle(Duration::from_millis(200))
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .clock(slept.clone())
        .observer(slept);
    monkey.build().unwrap().inject(Careless(order), target).await.unwrap()
}

/// The requests that changed something.
fn changes(fake: &FakeArm) -> Vec<String> {
    let requests = fake.requests();
    let changes =
        requests.iter().filter(|request| request.method != "GET" && !request.path.contains("oauth2"));
    changes.map(|request| format!("{} {}", request.method, request.path)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_injects_is_not_sent_when_it_is_too_late() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(1));
    fake.add(NewScaleSet::new("shop", "api").capacity(1).held_at(1));
    for order in orders() {
        let provider = sets(&fake).build().unwrap();
        let target = list(&provider).await.unwrap()[0].members[0].target.id().clone();
        let report = give(provider, order, &target).await;
        let failure = report.faults[0].failure.as_ref().unwrap();
        assert!(failure.message.contains("deadline has passed"), "{failure}");
        assert_eq!(changes(&fake), [""; 0], "{report}");
    }
    let provider = scale_sets(&fake).build().unwrap();
    let target = list(&provider).await.unwrap()[0].members[0].target.id().clone();
    let order: Order = |of, permit| Box::pin(async move { of.lifecycle()?.terminate(permit).await });
    let report = give(provider, order, &target).await;
    assert!(report.faults[0].failure.as_ref().unwrap().message.contains("deadline has passed"), "{report}");
    assert_eq!(changes(&fake), [""; 0], "{report}");
}
