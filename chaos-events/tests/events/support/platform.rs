//! A platform with the manners of real ones.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chaos_core::{
    Capability, CapabilitySet, Group, GroupId, Health, Permit, Provider, Result, Target, TargetId,
    async_trait,
    capability::{Capabilities, Lifecycle, Remains},
    clock::Clock,
    group::{Labels, Member},
    provider::{BoxStream, GroupFilter},
    testing::ManualClock,
};
use futures_util::{StreamExt, stream};

/// How long the platform takes to answer.
const ANSWER: Duration = Duration::from_millis(50);

/// One group of machines, `platform:web/machine-0` and so on. Its clock begins on a Monday morning. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Platform {
    group: GroupId,
    machines: Arc<[Machine]>,
    manners: Arc<Mutex<Manners>>,
    clock: Arc<ManualClock>,
}

#[derive(Clone, Debug)]
struct Machine {
    id: TargetId,
    health: Arc<Mutex<Health>>,
    manners: Arc<Mutex<Manners>>,
    clock: Arc<ManualClock>,
}

#[derive(Debug)]
struct Manners {
    takes_effect_after: Duration,
    replies: bool,
    shown_when_down: Health,
    desired: usize,
    replaces_members: bool,
    lists_twice: bool,
    orders: Vec<String>,
}

impl Platform {
    /// Machines that obey at once, in a group that replaces no member.
    pub(crate) fn of(size: usize) -> Self {
        Self::named("web", size)
    }

    /// The same in another group than `platform:web`.
    pub(crate) fn named(name: &str, size: usize) -> Self {
        let group = GroupId::new("platform", name).unwrap();
        let clock = Arc::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
        let manners = Arc::new(Mutex::new(Manners {
            takes_effect_after: Duration::ZERO,
            replies: true,
            shown_when_down: Health::Stopped,
            desired: size,
            replaces_members: false,
            lists_twice: false,
            orders: Vec::new(),
        }));
        let machine = |number| Machine {
            id: group.target(&format!("machine-{number}")).unwrap(),
            health: Arc::new(Mutex::new(Health::Healthy)),
            manners: Arc::clone(&manners),
            clock: Arc::clone(&clock),
        };
        Self { machines: (0..size).map(machine).collect(), group, manners, clock }
    }

    /// Accepts an order to go down, and acts on it so much later.
    pub(crate) fn acting_after(self, delay: Duration) -> Self {
        self.with(|manners| manners.takes_effect_after = delay)
    }

    /// Carries out an order to go down, but never replies.
    pub(crate) fn that_never_replies(self) -> Self {
        self.with(|manners| manners.replies = false)
    }

    /// Shows stopped machines as unhealthy.
    pub(crate) fn that_knows_no_stopped(self) -> Self {
        self.with(|manners| manners.shown_when_down = Health::Unhealthy)
    }

    /// Claims to replace its members, but never does.
    pub(crate) fn that_would_replace(self) -> Self {
        self.with(|manners| manners.replaces_members = true)
    }

    /// Lists every member twice.
    pub(crate) fn that_lists_twice(self) -> Self {
        self.with(|manners| manners.lists_twice = true)
    }

    fn with(self, change: impl FnOnce(&mut Manners)) -> Self {
        change(&mut self.manners.lock().unwrap());
        self
    }

    pub(crate) fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(&self.clock)
    }

    pub(crate) fn id(&self, number: usize) -> TargetId {
        self.machines[number].id.clone()
    }

    pub(crate) fn health(&self, number: usize) -> Health {
        self.machines[number].seen()
    }

    /// Sets the health of one machine, like a failure outside of any fault.
    pub(crate) fn set_health(&self, number: usize, health: Health) {
        *self.machines[number].health.lock().unwrap() = health;
    }

    /// Changes the size that the group is to have.
    pub(crate) fn scale(&self, desired: usize) {
        self.manners.lock().unwrap().desired = desired;
    }

    pub(crate) fn healthy(&self) -> usize {
        self.machines.iter().filter(|machine| machine.seen() == Health::Healthy).count()
    }

    /// Every order that machines were given so far, such as `stop machine-1`.
    pub(crate) fn orders(&self) -> Vec<String> {
        self.manners.lock().unwrap().orders.clone()
    }

    pub(crate) fn machine(&self, id: &TargetId) -> Option<Arc<dyn Target>> {
        let machine = self.machines.iter().find(|machine| machine.id == *id && machine.exists())?;
        Some(Arc::new(machine.clone()))
    }

    pub(crate) fn show(&self) -> Group {
        let manners = self.manners.lock().unwrap();
        let member = |machine: &Machine| Member::new(Arc::new(machine.clone()), machine.seen());
        let listed = || self.machines.iter().filter(|machine| machine.exists()).map(member);
        let again = listed().take(if manners.lists_twice { usize::MAX } else { 0 });
        Group::new(self.group.clone())
            .desired(manners.desired)
            .replaces_members(manners.replaces_members)
            .members(listed().chain(again))
    }
}

#[async_trait]
impl Provider for Platform {
    fn scheme(&self) -> &'static str {
        "platform"
    }

    fn groups<'a>(&'a self, _: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        stream::iter([Ok(self.show())]).boxed()
    }

    async fn group(&self, _: &GroupId) -> Result<Group> {
        self.clock.sleep(ANSWER).await;
        Ok(self.show())
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        self.clock.sleep(ANSWER).await;
        Ok(self.machine(id))
    }

    async fn remains(&self, _: &TargetId) -> Result<Remains> {
        Ok(Remains::default().without_shell())
    }
}

impl Machine {
    fn seen(&self) -> Health {
        *self.health.lock().unwrap()
    }

    fn exists(&self) -> bool {
        self.seen() != Health::Gone
    }

    async fn order(&self, what: &str) {
        self.manners.lock().unwrap().orders.push(format!("{what} {}", self.id.name()));
        self.clock.sleep(ANSWER).await;
    }

    /// Goes down when the platform comes to it; the reply follows the acceptance of the order.
    async fn go_down(&self, to: Health) {
        let (delay, replies) = {
            let manners = self.manners.lock().unwrap();
            (manners.takes_effect_after, manners.replies)
        };
        let machine = self.clone();
        let arrive = async move {
            machine.clock.sleep(delay).await;
            *machine.health.lock().unwrap() = to;
        };
        if delay.is_zero() {
            arrive.await;
        } else {
            tokio::spawn(arrive);
        }
        if !replies {
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Target for Machine {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn labels(&self) -> &Labels {
        static NONE: Labels = Labels::new();
        &NONE
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_lifecycle(Arc::new(self.clone()))
    }

    async fn health(&self) -> Result<Health> {
        Ok(self.seen())
    }
}

#[async_trait]
impl Lifecycle for Machine {
    fn operations(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Terminate, Capability::Stop, Capability::Start, Capability::Reboot])
    }

    fn by_hand(&self, operation: Capability) -> Option<String> {
        (operation == Capability::Start).then(|| format!("platform start {}", self.id.name()))
    }

    /// It is unhealthy until it is gone.
    async fn terminate(&self, _: &Permit) -> Result<()> {
        self.order("terminate").await;
        *self.health.lock().unwrap() = Health::Unhealthy;
        self.go_down(Health::Gone).await;
        Ok(())
    }

    async fn stop(&self, _: &Permit) -> Result<()> {
        self.order("stop").await;
        let down = self.manners.lock().unwrap().shown_when_down;
        self.go_down(down).await;
        Ok(())
    }

    async fn start(&self, _: &Permit) -> Result<()> {
        self.order("start").await;
        *self.health.lock().unwrap() = Health::Healthy;
        Ok(())
    }

    /// It does not come up again by itself.
    async fn reboot(&self, _: &Permit) -> Result<()> {
        self.order("reboot").await;
        let down = self.manners.lock().unwrap().shown_when_down;
        self.go_down(down).await;
        Ok(())
    }
}
