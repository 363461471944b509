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
    CapabilitySet, ChaosEvent, Hold, MemoryJournal, Observer, Permit, Prepared, Result, Scope, async_trait,
    capability::{Capabilities, Change, Script},
    clock::{Clock, SystemClock},
    fault::BoxFuture,
    observer::Activity,
};
use chaos_events::StartAgain;
use jiff::{SignedDuration, Timestamp};

use crate::cloud::{Cloud, member, monkey};

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

fn orders() -> Vec<(&'static str, Order)> {
    vec![
        ("TerminateInstances", |of, permit| Box::pin(async move { of.lifecycle()?.terminate(permit).await })),
        ("StopInstances", |of, permit| Box::pin(async move { of.lifecycle()?.stop(permit).await })),
        ("RebootInstances", |of, permit| Box::pin(async move { of.lifecycle()?.reboot(permit).await })),
        ("CreateSecurityGroup", |of, permit| Box::pin(isolated(of, permit))),
        ("SendCommand", |of, permit| {
            Box::pin(async move {
                let script = Script::new("true");
                of.shell()?.run(&script, permit).await.map(|_| ())
            })
        }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_injects_is_not_sent_when_it_is_too_late() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let target = member(&cloud, "web").await;
    for (action, order) in orders() {
        cloud.forget_calls();
        let slept = Slept::default();
        let monkey =
            monkey(cloud.provider().await, MemoryJournal::new()).clock(slept.clone()).observer(slept);
        let report = monkey.build().unwrap().inject(Careless(order), &target).await.unwrap();
        assert_eq!(cloud.count(action), 0, "{action}: {report}");
        let failure = report.faults[0].failure.as_ref().unwrap();
        assert!(failure.message.contains("deadline has passed"), "{action}: {failure}");
    }
}
