use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream, stream::BoxStream};
use jiff::Timestamp;

use super::machine::{Machine, Replace};
use crate::{
    capability::Remains,
    error::{Error, ErrorKind, Result},
    group::{Group, GroupId, Health, Labels, Member, Target, TargetId},
    provider::{GroupFilter, Provider},
};

const SCHEME: &str = "memory";

/// Groups of in-memory machines, for examples and unit tests.
///
/// Its groups replace a terminated machine at once with one that has the next free number. Clones share the same
/// groups.
///
/// ```
/// use chaos_core::{Provider, provider::GroupFilter, testing::MemoryProvider};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> chaos_core::Result<()> {
/// let provider = MemoryProvider::default().with_group("web", 5)?;
/// let group = provider.group(&"memory:web".parse()?).await?;
/// assert_eq!((group.desired, group.healthy()), (5, 5));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryProvider {
    groups: BTreeMap<GroupId, Arc<Replacer>>,
}

/// One group with a constant number of machines.
#[derive(Debug)]
struct Replacer {
    this: Weak<Self>,
    id: GroupId,
    desired: usize,
    replaces_members: bool,
    spread: Option<Spread>,
    labels: Mutex<Labels>,
    deployment: Mutex<Option<Arc<str>>>,
    machines: Mutex<Machines>,
}

#[derive(Debug, Default)]
struct Machines {
    /// By their positions, which they keep.
    present: BTreeMap<usize, Arc<Machine>>,
    places: HashMap<TargetId, usize>,
    next: usize,
}

/// The domains over which a group spreads its machines, and the label that names them.
#[derive(Debug)]
struct Spread {
    label: String,
    domains: Vec<String>,
}

impl MemoryProvider {
    /// Adds a group of `size` healthy machines, `memory:<name>/machine-0` and so on, that replaces its members.
    ///
    /// # Errors
    /// `InvalidInput` for a name that is not valid in a [`GroupId`].
    pub fn with_group(self, name: &str, size: usize) -> Result<Self> {
        self.add(name, size, true, None)
    }

    /// Adds a group that does not replace its members.
    ///
    /// # Errors
    /// As [`with_group`](MemoryProvider::with_group).
    pub fn with_fixed_group(self, name: &str, size: usize) -> Result<Self> {
        self.add(name, size, false, None)
    }

    /// Adds a group that replaces its members. Its machines are in each of `domains` in turn; the label `label` of a
    /// machine names its domain.
    ///
    /// # Errors
    /// As [`with_group`](MemoryProvider::with_group).
    pub fn with_spread_group(
        self,
        name: &str,
        size: usize,
        label: impl Into<String>,
        domains: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self> {
        let domains = domains.into_iter().map(Into::into).collect();
        self.add(name, size, true, Some(Spread { label: label.into(), domains }))
    }

    fn add(
        mut self,
        name: &str,
        size: usize,
        replaces_members: bool,
        spread: Option<Spread>,
    ) -> Result<Self> {
        let id = GroupId::new(SCHEME, name)?;
        let group = Arc::new_cyclic(|this: &Weak<Replacer>| Replacer {
            this: this.clone(),
            id: id.clone(),
            desired: size,
            replaces_members,
            spread,
            labels: Mutex::default(),
            deployment: Mutex::default(),
            machines: Mutex::default(),
        });
        for _ in 0..size {
            group.add_machine()?;
        }
        self.groups.insert(id, group);
        Ok(self)
    }

    /// Sets the tags of one group.
    ///
    /// # Errors
    /// `NotFound` if there is no such group.
    pub fn set_labels(&self, id: &GroupId, labels: Labels) -> Result<()> {
        *locked(&self.replacer(id)?.labels) = labels;
        Ok(())
    }

    /// Begins a deployment of one group, in these words, or ends it.
    ///
    /// # Errors
    /// `NotFound` if there is no such group.
    pub fn set_deployment(&self, id: &GroupId, deployment: Option<&str>) -> Result<()> {
        *locked(&self.replacer(id)?.deployment) = deployment.map(Into::into);
        Ok(())
    }

    /// Sets when one machine began. Otherwise that is not known.
    ///
    /// # Errors
    /// `NotFound` if there is no such machine.
    pub fn set_began_at(&self, id: &TargetId, began_at: Timestamp) -> Result<()> {
        self.machine(id).map(|machine| machine.set_began_at(began_at)).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the in-memory provider has no such machine").with("target", id)
        })
    }

    /// Sets the health of one machine, like a failure outside of any fault.
    ///
    /// # Errors
    /// `NotFound` if there is no such machine.
    pub fn set_health(&self, id: &TargetId, health: Health) -> Result<()> {
        self.machine(id).map(|machine| machine.set_health(health)).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the in-memory provider has no such machine").with("target", id)
        })
    }

    /// Replaces a machine with another one of the same name, as if it was deleted and created again.
    ///
    /// # Errors
    /// `NotFound` if there is no such machine.
    pub fn make_anew(&self, id: &TargetId) -> Result<()> {
        let missing = || {
            Error::new(ErrorKind::NotFound, "the in-memory provider has no such machine").with("target", id)
        };
        let group = self.groups.get(&id.group()).ok_or_else(missing)?;
        let mut machines = group.machines();
        let number = machines.next;
        let place = *machines.places.get(id).ok_or_else(missing)?;
        machines.present.insert(place, group.machine(id.clone(), number));
        machines.next += 1;
        Ok(())
    }

    fn replacer(&self, id: &GroupId) -> Result<&Arc<Replacer>> {
        self.groups.get(id).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the in-memory provider has no such group").with("group", id)
        })
    }

    fn machine(&self, id: &TargetId) -> Option<Arc<Machine>> {
        let group = self.groups.get(&id.group())?;
        let machines = group.machines();
        machines.present.get(machines.places.get(id)?).cloned()
    }
}

impl Replacer {
    fn add_machine(&self) -> Result<()> {
        let mut machines = self.machines();
        let number = machines.next;
        let id = self.id.target(&format!("machine-{number}"))?;
        machines.next += 1;
        machines.places.insert(id.clone(), number);
        machines.present.insert(number, self.machine(id, number));
        Ok(())
    }

    /// The `number`th machine, in the domain whose turn it is.
    fn machine(&self, id: TargetId, number: usize) -> Arc<Machine> {
        let labels = self.spread.iter().filter_map(|spread| spread.of(number)).collect();
        Machine::start(id, labels, number, self.this.clone())
    }

    fn look(&self) -> Group {
        let member = |machine: &Arc<Machine>| {
            let member = Member::new(Arc::clone(machine) as Arc<dyn Target>, machine.seen_health())
                .incarnation(machine.seen_incarnation());
            match machine.began_at() {
                Some(began_at) => member.began_at(began_at),
                None => member,
            }
        };
        let mut group = Group::new(self.id.clone())
            .desired(self.desired)
            .replaces_members(self.replaces_members)
            .labels(locked(&self.labels).clone())
            .members(self.machines().present.values().map(member));
        group.deployment = locked(&self.deployment).clone();
        group
    }

    fn machines(&self) -> MutexGuard<'_, Machines> {
        locked(&self.machines)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Spread {
    fn of(&self, number: usize) -> Option<(String, String)> {
        let domain = self.domains.get(number.checked_rem(self.domains.len())?)?;
        Some((self.label.clone(), domain.clone()))
    }
}

impl Replace for Replacer {
    fn replace(&self, gone: &TargetId) -> Result<()> {
        let mut machines = self.machines();
        if let Some(place) = machines.places.remove(gone) {
            machines.present.remove(&place);
        }
        drop(machines);
        if self.replaces_members { self.add_machine() } else { Ok(()) }
    }
}

#[async_trait]
impl Provider for MemoryProvider {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        stream::iter(
            self.groups.values().filter(|group| filter.passes(&group.id)).map(|group| Ok(group.look())),
        )
        .boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        Ok(self.replacer(id)?.look())
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        Ok(self.machine(id).map(|machine| machine as Arc<dyn Target>))
    }

    async fn remains(&self, _: &TargetId) -> Result<Remains> {
        // A terminated machine takes everything with it.
        Ok(Remains::default().without_shell().without_settings())
    }
}
