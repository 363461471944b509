//! The world in memory behind a front that takes questions in words and answers in JSON, like a cloud; and lying
//! providers over it.

use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use chaos_core::{
    Capability, CapabilitySet, Error, ErrorKind, Group, GroupId, Health, Permit, Provider, Result, Target,
    TargetId, async_trait,
    capability::{Capabilities, Lifecycle, Remains},
    group::{Labels, Member},
    listing::pages,
    provider::{BoxStream, GroupFilter},
    testing::MemoryProvider,
};
use chaos_testkit::contract::adversity::{Adversity, Cut, Happens};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    None,
    GivesUpWhereRefused,
    RefusedIsGone,
    RefusedIsAsBefore,
    CutListIsTheWhole,
    CutGroupIsEmpty,
    CutIsGone,
    CutIsWell,
    TakesTheFirstOfTwo,
    FollowsForEver,
    EndsQuietly,
    TellsNoIncarnation,
}

const DENIED: &str = "denied";
const SIGN_IN: &str = "a page to sign in";
const NOT_YET: &str = "not found yet";

/// The front before the machines.
#[derive(Debug)]
pub(crate) struct Front {
    world: MemoryProvider,
    asked: AtomicUsize,
    trouble: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    refused: Option<String>,
    cut: Option<Cut>,
    whole: usize,
    twice: bool,
    endless: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PageAnswer {
    group: GroupAnswer,
    next: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct GroupAnswer {
    id: GroupId,
    desired: usize,
    replaces: bool,
    members: Vec<MachineAnswer>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct MachineAnswer {
    id: TargetId,
    health: Health,
    incarnation: String,
}

impl Front {
    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap()
    }

    /// A refused question has no effect.
    fn refuses(&self) -> Result<()> {
        self.asked.fetch_add(1, SeqCst);
        match self.trouble().refused.as_deref() {
            Some(DENIED) => Err(Error::new(ErrorKind::Denied, "you may not ask")),
            Some(NOT_YET) => Err(Error::new(ErrorKind::Unavailable, "404: this world is not known")),
            _ => Ok(()),
        }
    }

    fn answer(&self, answer: &impl Serialize) -> Vec<u8> {
        let mut trouble = self.trouble();
        if trouble.refused.as_deref() == Some(SIGN_IN) {
            return b"<html><title>Sign in</title></html>".to_vec();
        }
        let whole = serde_json::to_vec(answer).unwrap();
        match trouble.cut {
            Some(_) if trouble.whole > 0 => {
                trouble.whole -= 1;
                whole
            }
            Some(cut) => cut.of(&whole).to_vec(),
            None => whole,
        }
    }

    async fn page(&self, token: &str) -> Result<Vec<u8>> {
        self.refuses()?;
        let all = GroupFilter::all();
        let mut groups: Vec<Group> = self.world.groups(&all).try_collect().await.unwrap();
        let Trouble { twice, endless, .. } = *self.trouble();
        if twice {
            let again = groups.last().unwrap().clone();
            groups.push(again);
        }
        let number: usize = token.parse().unwrap_or_default();
        let next = match number + 1 < groups.len() || endless {
            true => (number + 1).to_string(),
            false => String::new(),
        };
        Ok(self.answer(&PageAnswer { group: written(&groups[number % groups.len()]), next }))
    }

    async fn group(&self, id: &GroupId) -> Result<Vec<u8>> {
        self.refuses()?;
        let group = self.world.group(id).await.ok();
        Ok(self.answer(&group.as_ref().map(written)))
    }

    async fn machine(&self, id: &TargetId) -> Result<Vec<u8>> {
        self.refuses()?;
        let group = self.world.group(&id.group()).await?;
        Ok(self.answer(&group.member(id).map(machine)))
    }

    async fn order(&self, id: &TargetId, operation: Capability, permit: &Permit) -> Result<()> {
        self.refuses()?;
        if self.trouble().refused.is_some() {
            return read::<()>(&self.answer(&()));
        }
        if let Some(target) = self.world.resolve(id).await? {
            let lifecycle = target.capabilities().lifecycle()?.clone();
            match operation {
                Capability::Stop => lifecycle.stop(permit).await?,
                _ => lifecycle.start(permit).await?,
            }
        }
        read(&self.answer(&()))
    }
}

fn machine(member: &Member) -> MachineAnswer {
    MachineAnswer {
        id: member.target.id().clone(),
        health: member.health,
        incarnation: member.incarnation.as_deref().unwrap().to_owned(),
    }
}

fn written(group: &Group) -> GroupAnswer {
    GroupAnswer {
        id: group.id.clone(),
        desired: group.desired,
        replaces: group.replaces_members,
        members: group.members.iter().map(machine).collect(),
    }
}

fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T> {
    serde_json::from_slice(answer).map_err(|error| {
        let what = match error.is_eof() {
            true => CUT,
            false => "this is no answer; is there a proxy or a page to sign in?",
        };
        Error::new(ErrorKind::Unavailable, what).caused_by(error)
    })
}

const CUT: &str = "the answer was cut short";

fn was_cut(error: &Error) -> bool {
    error.to_string().starts_with(CUT)
}

fn was_refused(error: &Error) -> bool {
    error.kind() == ErrorKind::Denied
}

/// Asks the front, and lies about its answers.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    front: Arc<Front>,
    lie: Lie,
    before: Arc<Mutex<Option<Group>>>,
}

#[derive(Debug)]
struct Machine {
    id: TargetId,
    labels: Labels,
    remote: Remote,
}

impl Remote {
    fn may_lie<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match self.lie {
            Lie::GivesUpWhereRefused => error.finally(),
            _ => error,
        })
    }

    fn show(&self, answer: GroupAnswer) -> Group {
        let members = answer.members.into_iter().map(|machine| {
            let member = Member::new(self.target(&machine.id), machine.health);
            match self.lie {
                Lie::TellsNoIncarnation => member,
                _ => member.incarnation(machine.incarnation),
            }
        });
        Group::new(answer.id).desired(answer.desired).replaces_members(answer.replaces).members(members)
    }

    fn target(&self, id: &TargetId) -> Arc<dyn Target> {
        Arc::new(Machine { id: id.clone(), labels: Labels::new(), remote: self.clone() })
    }

    async fn page(&self, token: Option<String>) -> Result<(Group, Option<String>)> {
        let answer = self.front.page(token.as_deref().unwrap_or_default()).await;
        let answer: PageAnswer = self.may_lie(answer.and_then(|answer| read(&answer)))?;
        Ok((self.show(answer.group), Some(answer.next)))
    }

    fn follow(self) -> BoxStream<'static, Result<Group>> {
        let next = |(remote, token): (Self, Option<String>)| async move {
            let page = remote.page(Some(token?)).await;
            match page {
                Ok((group, next)) => {
                    let next = next.filter(|next| !next.is_empty());
                    Some((Ok(group), (remote, next)))
                }
                Err(error) => Some((Err(error), (remote, None))),
            }
        };
        stream::unfold((self, Some(String::new())), next).boxed()
    }

    async fn machine(&self, id: &TargetId) -> Result<Option<MachineAnswer>> {
        let answer = self.front.machine(id).await.and_then(|answer| read(&answer));
        match answer {
            Err(error) if was_cut(&error) && self.lie == Lie::CutIsGone => Ok(None),
            Err(error) if was_refused(&error) && self.lie == Lie::RefusedIsGone => Ok(None),
            answer => self.may_lie(answer),
        }
    }
}

#[async_trait]
impl Provider for Remote {
    fn scheme(&self) -> &'static str {
        "memory"
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        let listing = match self.lie {
            Lie::FollowsForEver => self.clone().follow(),
            Lie::EndsQuietly => self.clone().follow().take(10).boxed(),
            _ => {
                let remote = self.clone();
                let fetch = move |token| {
                    let remote = remote.clone();
                    async move { remote.page(token).await }
                };
                Box::pin(pages(fetch)).boxed()
            }
        };
        let before = self.before.lock().unwrap().clone();
        let lie = self.lie;
        let listing = listing.filter_map(move |group| {
            let group = match group {
                Err(error) if was_cut(&error) && lie == Lie::CutListIsTheWhole => None,
                Err(error) if was_refused(&error) && lie == Lie::RefusedIsAsBefore => before.clone().map(Ok),
                group => Some(group),
            };
            std::future::ready(group)
        });
        let mut seen = Vec::new();
        listing
            .try_filter(move |group| {
                let is_again = seen.contains(&group.id);
                seen.push(group.id.clone());
                let is_shown = filter.passes(&group.id) && !(is_again && lie == Lie::TakesTheFirstOfTwo);
                std::future::ready(is_shown)
            })
            .boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        let answer = self.front.group(id).await.and_then(|answer| read::<Option<GroupAnswer>>(&answer));
        let group = match self.may_lie(answer) {
            Err(error) if was_cut(&error) && self.lie == Lie::CutGroupIsEmpty => {
                return Ok(Group::new(id.clone()).desired(3));
            }
            Err(error) if was_refused(&error) && self.lie == Lie::RefusedIsAsBefore => {
                return self.before.lock().unwrap().clone().ok_or(error);
            }
            answer => answer?,
        };
        let missing = || Error::new(ErrorKind::NotFound, "there is no such group").with("group", id);
        let group = self.show(group.ok_or_else(missing)?);
        *self.before.lock().unwrap() = Some(group.clone());
        Ok(group)
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        Ok(self.machine(id).await?.map(|machine| self.target(&machine.id)))
    }

    async fn remains(&self, _: &TargetId) -> Result<Remains> {
        Ok(Remains::default().without_shell())
    }
}

#[async_trait]
impl Target for Machine {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn capabilities(&self) -> Capabilities {
        let again = Self { id: self.id.clone(), labels: Labels::new(), remote: self.remote.clone() };
        Capabilities::default().with_lifecycle(Arc::new(again))
    }

    async fn health(&self) -> Result<Health> {
        match self.remote.machine(&self.id).await {
            Err(error) if was_cut(&error) && self.remote.lie == Lie::CutIsWell => Ok(Health::Healthy),
            machine => Ok(machine?.map_or(Health::Gone, |machine| machine.health)),
        }
    }

    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        if self.remote.lie == Lie::TellsNoIncarnation {
            return Ok(None);
        }
        Ok(self.remote.machine(&self.id).await?.map(|machine| machine.incarnation.into()))
    }
}

#[async_trait]
impl Lifecycle for Machine {
    fn operations(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Stop, Capability::Start])
    }

    async fn stop(&self, permit: &Permit) -> Result<()> {
        self.remote.may_lie(self.remote.front.order(&self.id, Capability::Stop, permit).await)
    }

    async fn start(&self, permit: &Permit) -> Result<()> {
        self.remote.may_lie(self.remote.front.order(&self.id, Capability::Start, permit).await)
    }
}

/// A world of two groups, whose providers lie.
#[derive(Debug)]
pub(crate) struct RemoteWorld {
    front: Arc<Front>,
    lie: Lie,
    target: TargetId,
    before: Arc<Mutex<Option<Group>>>,
}

impl RemoteWorld {
    pub(crate) fn new(lie: Lie) -> Result<Self> {
        let world = MemoryProvider::default().with_fixed_group("db", 2)?.with_fixed_group("web", 3)?;
        let front =
            Arc::new(Front { world, asked: AtomicUsize::new(0), trouble: Mutex::new(Trouble::default()) });
        Ok(Self { front, lie, target: "memory:web/machine-0".parse()?, before: Arc::default() })
    }
}

#[async_trait]
impl Adversity for RemoteWorld {
    async fn provider(&self) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(Remote {
            front: Arc::clone(&self.front),
            lie: self.lie,
            before: Arc::clone(&self.before),
        }))
    }

    fn target(&self) -> &TargetId {
        &self.target
    }

    async fn asked(&self) -> Result<Option<usize>> {
        Ok(Some(self.front.asked.load(SeqCst)))
    }

    fn refusals(&self) -> Vec<&'static str> {
        vec![DENIED, SIGN_IN, NOT_YET]
    }

    async fn refuse(&self, way: &str) -> Result<Happens> {
        self.front.trouble().refused = Some(way.to_owned());
        Ok(Happens::Now)
    }

    async fn cut(&self, cut: Cut) -> Result<Happens> {
        let mut trouble = self.front.trouble();
        (trouble.cut, trouble.whole) = (Some(cut), cut.after);
        Ok(Happens::Now)
    }

    async fn list_twice(&self) -> Result<Happens> {
        self.front.trouble().twice = true;
        Ok(Happens::Now)
    }

    async fn never_end(&self) -> Result<Happens> {
        self.front.trouble().endless = true;
        Ok(Happens::Now)
    }

    async fn replace_target(&self) -> Result<Happens> {
        self.front.world.make_anew(&self.target)?;
        self.front.world.set_health(&self.target, Health::Stopped)?;
        Ok(Happens::Now)
    }

    async fn heal(&self) -> Result<()> {
        *self.front.trouble() = Trouble::default();
        Ok(())
    }
}
