//! A provider of your own: lamps, which a monkey can switch off and must switch on again.
//!
//! A provider lists groups and finds a target again by its id, from any process. A target looks at its health each
//! time, and offers its operations as capabilities. Events know capabilities and no provider: every event of
//! `chaos-events` that needs only a stop and a start works on lamps.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use chaos_core::{
    Capability, CapabilitySet, Error, ErrorKind, Group, GroupId, Health, MemoryJournal, Monkey, Permit,
    Provider, Result, Target, TargetId, async_trait,
    capability::{Capabilities, Lifecycle},
    group::{Labels, Member},
    provider::{BoxStream, GroupFilter},
};
use chaos_events::Stop;
use futures_util::{StreamExt, stream};

/// One lamp. A real one would hold a client of its platform.
#[derive(Clone, Debug)]
struct Lamp {
    id: TargetId,
    labels: Labels,
    is_on: Arc<AtomicBool>,
}

#[async_trait]
impl Target for Lamp {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_lifecycle(Arc::new(self.clone()))
    }

    async fn health(&self) -> Result<Health> {
        Ok(if self.is_on.load(SeqCst) { Health::Healthy } else { Health::Stopped })
    }
}

/// Every call that changes a target takes a permit, and a permit exists only when the recovery is in the journal.
#[async_trait]
impl Lifecycle for Lamp {
    fn operations(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Stop, Capability::Start])
    }

    async fn stop(&self, _: &Permit) -> Result<()> {
        self.is_on.store(false, SeqCst);
        Ok(())
    }

    async fn start(&self, _: &Permit) -> Result<()> {
        self.is_on.store(true, SeqCst);
        Ok(())
    }
}

/// The lamps of a hall, as one group.
#[derive(Debug)]
struct Hall {
    id: GroupId,
    lamps: Vec<Lamp>,
}

impl Hall {
    fn with(lamps: usize) -> Result<Self> {
        let id: GroupId = "lamps:hall".parse()?;
        let lamp = |number| -> Result<_> {
            let (id, is_on) = (id.target(&format!("lamp-{number}"))?, Arc::new(AtomicBool::new(true)));
            Ok(Lamp { id, labels: Labels::default(), is_on })
        };
        let lamps = (1..=lamps).map(lamp).collect::<Result<_>>()?;
        Ok(Self { id, lamps })
    }
}

#[async_trait]
impl Provider for Hall {
    fn scheme(&self) -> &'static str {
        "lamps"
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        let listed = filter.passes(&self.id).then_some(&self.id);
        stream::iter(listed).then(|id| self.group(id)).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        if *id != self.id {
            return Err(Error::new(ErrorKind::NotFound, "there is no such hall").with("group", id));
        }
        let mut members = Vec::new();
        for lamp in &self.lamps {
            members.push(Member::new(Arc::new(lamp.clone()), lamp.health().await?));
        }
        Ok(Group::new(id.clone()).desired(members.len()).members(members))
    }

    /// `None` means that the target is certainly gone. If that cannot be found out, return an error.
    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        let lamp = self.lamps.iter().find(|lamp| lamp.id == *id);
        Ok(lamp.map(|lamp| Arc::new(lamp.clone()) as Arc<dyn Target>))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let monkey = Monkey::builder()
        .provider(Hall::with(4)?)
        .event(Stop::lasting(Duration::from_secs(1))?)
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()?;
    println!("{}", monkey.run_once().await?);
    Ok(())
}
