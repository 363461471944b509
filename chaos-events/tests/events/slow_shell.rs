//! Host faults through a shell that takes its time, as a cloud's agent does.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chaos_core::{
    ErrorKind, Group, GroupId, Health, MemoryJournal, Monkey, Permit, Provider, Result, RunReport, Target,
    TargetId, async_trait,
    capability::{Capabilities, NetworkShare, Output, Remains, Script, Shell},
    clock::Clock,
    fault::FaultState,
    group::{Labels, Member},
    plan::Reason,
    provider::{BoxStream, GroupFilter},
    testing::ManualClock,
};
use chaos_events::CpuBurn;
use futures_util::{StreamExt, stream};

/// Machines, whose shell knows how to burn.
#[derive(Clone, Debug)]
struct Slow(Arc<State>);

#[derive(Debug)]
struct State {
    clock: Arc<ManualClock>,
    /// How long an order takes there and back.
    takes: Duration,
    /// How long the shell says that it may take.
    says: Duration,
    orders: Mutex<Orders>,
}

#[derive(Debug, Default)]
struct Orders {
    is_burning: bool,
    sent: Vec<String>,
    under_way: usize,
    most_under_way: usize,
}

impl Slow {
    fn taking(takes: u64, says: u64) -> Self {
        let clock = Arc::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
        let (takes, says) = (Duration::from_secs(takes), Duration::from_secs(says));
        Self(Arc::new(State { clock, takes, says, orders: Mutex::default() }))
    }

    async fn burn(&self) -> RunReport {
        let monkey = Monkey::builder()
            .provider(self.clone())
            .clock(self.0.clock.clone())
            .discovery_limit(Duration::from_secs(600))
            .unleash(MemoryJournal::new(), chaos_events::registry())
            .build()
            .unwrap();
        let burn = CpuBurn::default().lasting(Duration::from_secs(600)).unwrap();
        monkey.inject(burn, &"slow:web/machine-0".parse().unwrap()).await.unwrap()
    }

    fn show(&self, id: &GroupId) -> Group {
        let member = |number| {
            let target = Host(self.clone(), id.target(&format!("machine-{number}")).unwrap());
            Member::new(Arc::new(target), Health::Healthy)
        };
        Group::new(id.clone()).desired(3).members((0..3).map(member))
    }

    async fn answer(&self, script: &Script) -> Result<Output> {
        let action = script.parameters().find(|(name, _)| *name == "action").unwrap().1.to_owned();
        {
            let mut orders = self.0.orders.lock().unwrap();
            orders.sent.push(action.clone());
            orders.under_way += 1;
            orders.most_under_way = orders.most_under_way.max(orders.under_way);
        }
        // The platform carries it out, even if no caller waits for it any longer.
        let state = Arc::clone(&self.0);
        let carried_out = tokio::spawn(async move {
            state.clock.sleep(state.takes).await;
            let mut orders = state.orders.lock().unwrap();
            orders.under_way -= 1;
            match action.as_str() {
                "start" => orders.is_burning = true,
                "stop" => orders.is_burning = false,
                _ => {}
            }
            let burners = u32::from(orders.is_burning);
            let burning = if orders.is_burning { "burning=7\n" } else { "" };
            format!(
                "uptime=100\nboot_id=b\nvantage=b 1 2 3 \
                 0:0\ncores=1\nburners={burners}\nprocesses={burners}\nload_percent=50\n{burning}"
            )
        });
        Ok(Output::new(0, carried_out.await.unwrap(), ""))
    }
}

#[async_trait]
impl Provider for Slow {
    fn scheme(&self) -> &'static str {
        "slow"
    }

    fn groups<'a>(&'a self, _: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        stream::iter([Ok(self.show(&"slow:web".parse().unwrap()))]).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        Ok(self.show(id))
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        Ok(Some(Arc::new(Host(self.clone(), id.clone()))))
    }

    async fn remains(&self, _: &TargetId) -> Result<Remains> {
        Ok(Remains::default().without_shell())
    }
}

#[derive(Debug)]
struct Host(Slow, TargetId);

#[async_trait]
impl Target for Host {
    fn id(&self) -> &TargetId {
        &self.1
    }

    fn labels(&self) -> &Labels {
        static NONE: Labels = Labels::new();
        &NONE
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_shell(Arc::new(self.0.clone()))
    }

    async fn health(&self) -> Result<Health> {
        Ok(Health::Healthy)
    }
}

#[async_trait]
impl Shell for Slow {
    async fn inspect(&self, script: &Script) -> Result<Output> {
        self.answer(script).await
    }

    async fn run(&self, script: &Script, _: &Permit) -> Result<Output> {
        self.answer(script).await
    }

    async fn network(&self) -> Result<NetworkShare> {
        Ok(NetworkShare::Whole)
    }

    fn answers_within(&self) -> Duration {
        self.0.says
    }
}

#[tokio::test(start_paused = true)]
async fn a_shell_that_takes_a_minute_is_waited_for() {
    for says in [5, 90] {
        let machine = Slow::taking(60, says);
        let report = machine.burn().await;
        assert_eq!(report.faults[0].state, FaultState::Recovered, "{report}");
        assert!(report.faults[0].failure.is_none(), "{report}");
        let orders = machine.0.orders.lock().unwrap();
        assert!(!orders.is_burning);
        // The preflight, the start, what looks at the hold, the stop and a look: none beside another, none again.
        assert!(orders.sent.len() <= 7 && orders.most_under_way <= 1, "{orders:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_too_slow_for_the_budget_is_refused_before_anything_is_injected() {
    let machine = Slow::taking(80, 5);
    let report = machine.burn().await;
    assert!(report.faults.is_empty(), "{report}");
    let reason = &report.skipped[0].reason;
    assert!(
        matches!(reason, Reason::Doubt { failure, .. } if failure.kind == ErrorKind::Refused),
        "{reason}"
    );
    assert!(reason.to_string().contains("answered after=\"80.0s\""), "{reason}");
    assert_eq!(machine.0.orders.lock().unwrap().sent, ["preflight"]);
}
