use std::{
    net::SocketAddr,
    process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use chaos_core::{
    Error, ErrorKind, Group, GroupId, Provider, Result, Target, TargetId,
    capability::Remains,
    clock::{Clock, SystemClock},
    group::{Labels, Member},
    provider::{BoxStream, GroupFilter},
};
use futures_util::{StreamExt, stream};

use crate::{
    capability::{
        shell::ProcessShell,
        target::{ProcessTarget, members},
    },
    client::{health_check::HealthCheck, process_handle::ProcessHandle, process_table::own_line},
    discovery::fleet_state::check_scheme,
    fleet::fleet_builder::validate_name,
    model::{
        identity::{AsProcess, ProcessIdentity},
        place::{Place, Seen},
    },
};

const SCHEME: &str = "process";

/// Processes that something else already runs, such as a test harness, as a group of targets.
///
/// The group is `process:<name>`, and a target is `process:<name>/<index>@<pid>.<start time>@<place>`: enough to find
/// exactly this process again from another one. The place is the pid namespace, the boot and the machine, without which
/// a process id means nothing: seen from elsewhere, a process is refused and not considered gone. Clones share one
/// group, and [`ProcessGroups`](crate::ProcessGroups) combines several groups into one provider.
///
/// A target is the process and all processes that belong to it: its descendants, and the processes in process groups
/// and sessions that one of them leads. Adopt only processes that can be spared as a whole. An ancestor of this process
/// is not chosen unless you [say so](ProcessesBuilder::even_ancestors).
///
/// ```
/// use chaos_core::Provider;
/// use chaos_local::{HealthCheck, Processes};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let spawn = || std::process::Command::new("sleep").arg("600").spawn();
/// let (mut first, mut second) = (spawn()?, spawn()?);
/// let processes = Processes::adopt("database", [&first, &second])?;
/// let group = processes.group(processes.id()).await?;
/// assert_eq!((group.desired, group.healthy()), (2, 2));
/// # for child in [&mut first, &mut second] {
/// #     child.kill()?;
/// #     child.wait()?;
/// # }
/// # Ok(())
/// # }
/// ```
///
/// They can be terminated, stopped and started. Dropping this value does not end them.
#[derive(Clone, Debug)]
pub struct Processes {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: GroupId,
    check: HealthCheck,
    replaced: bool,
    even_ancestors: bool,
    clock: Arc<dyn Clock>,
    here: Place,
    adopted: Mutex<Vec<Adopted>>,
}

#[derive(Clone, Copy, Debug)]
struct Adopted {
    process: ProcessIdentity,
    port: Option<u16>,
}

/// The processes to adopt, and their health check; made by [`Processes::named`].
#[derive(Debug)]
#[must_use = "no process is adopted before the group is built"]
pub struct ProcessesBuilder {
    name: String,
    members: Vec<Result<Adopted>>,
    check: HealthCheck,
    replaced: bool,
    even_ancestors: bool,
    clock: Arc<dyn Clock>,
}

impl Processes {
    /// Adopts these processes: process ids, children, or identities. A process is healthy if it is alive.
    ///
    /// # Errors
    /// As [`ProcessesBuilder::build`], and `InvalidInput` without any process.
    pub fn adopt(name: &str, processes: impl IntoIterator<Item = impl AsProcess>) -> Result<Self> {
        let builder =
            processes.into_iter().fold(Self::named(name), |builder, process| builder.member(&process, None));
        if builder.members.is_empty() {
            return Err(Error::invalid("processes", "none", "at least one process to adopt"));
        }
        builder.build()
    }

    /// Starts a group with this name: at most 200 bytes without a slash or a control character.
    pub fn named(name: &str) -> ProcessesBuilder {
        ProcessesBuilder {
            name: name.to_owned(),
            members: Vec::new(),
            check: HealthCheck::alive(),
            replaced: false,
            even_ancestors: false,
            clock: Arc::new(SystemClock::default()),
        }
    }

    /// The id of the group.
    pub fn id(&self) -> &GroupId {
        &self.inner.id
    }

    /// Adopts the process that the harness started in place of one that ended; places count from 0 in the order of
    /// adoption. Its port is that of its predecessor. Returns its id.
    ///
    /// # Errors
    /// `InvalidInput` if the group has no such place or already has the process, `NotFound` if there is no such
    /// process, and `Conflict` if the predecessor is alive.
    pub fn adopt_replacement(&self, index: usize, process: &impl AsProcess) -> Result<TargetId> {
        let process = adoptable(process)?;
        let mut adopted = self.inner.adopted();
        if adopted.iter().any(|other| other.process == process) {
            return Err(twice(process));
        }
        let places = adopted.len();
        let place = adopted.get_mut(index).ok_or_else(|| {
            Error::invalid("index", index, format!("below {places}, the size of the group"))
        })?;
        if ProcessHandle::open(place.process)?.is_some() {
            let what = "the process to replace has not ended";
            return Err(Error::new(ErrorKind::Conflict, what).with("process", place.process));
        }
        place.process = process;
        self.inner.target_id(&self.inner.id, index, process)
    }
}

impl ProcessesBuilder {
    /// Adds a process, with the port of 127.0.0.1 on which it listens if the health check needs one.
    pub fn member(mut self, process: &impl AsProcess, port: Option<u16>) -> Self {
        self.members.push(adoptable(process).map(|process| Adopted { process, port }));
        self
    }

    /// Sets the health check of the processes. Default: [`HealthCheck::alive`].
    pub fn health(mut self, check: HealthCheck) -> Self {
        self.check = check;
        self
    }

    /// Sets whether the harness replaces a process that ends, and reports it with
    /// [`adopt_replacement`](Processes::adopt_replacement). Default: false.
    pub fn replaced_by_harness(mut self, replaced: bool) -> Self {
        self.replaced = replaced;
        self
    }

    /// Allows ancestors of this process to be chosen. A fault of one hits all processes that belong to it, except this
    /// process and its descendants.
    pub fn even_ancestors(mut self) -> Self {
        self.even_ancestors = true;
        self
    }

    /// Sets the clock of waits. Default: [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Adopts the processes.
    ///
    /// Without any process, this is a provider for programs that replay a journal: it finds every process by its id
    /// alone.
    ///
    /// # Errors
    /// `NotFound` if there is no such process; `InvalidInput` for an invalid name, an invalid health check or one whose
    /// port is missing, a process that is named twice, and this process itself.
    pub fn build(self) -> Result<Processes> {
        validate_name("group name", &self.name)?;
        self.check.validate()?;
        let adopted = self.members.into_iter().collect::<Result<Vec<_>>>()?;
        for (index, member) in adopted.iter().enumerate() {
            if adopted[..index].iter().any(|other| other.process == member.process) {
                return Err(twice(member.process));
            }
            if self.check.needs_port() && member.port.is_none_or(|port| port == 0) {
                let field = format!("port of process {}", member.process);
                return Err(Error::invalid(field, "none", "a port, because the health check needs one"));
            }
        }
        Ok(Processes {
            inner: Arc::new(Inner {
                id: GroupId::new(SCHEME, &self.name)?,
                check: self.check,
                replaced: self.replaced,
                even_ancestors: self.even_ancestors,
                here: Place::here()?,
                clock: self.clock,
                adopted: Mutex::new(adopted),
            }),
        })
    }
}

impl Inner {
    fn adopted(&self) -> MutexGuard<'_, Vec<Adopted>> {
        self.adopted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn target_id(&self, group: &GroupId, index: usize, process: ProcessIdentity) -> Result<TargetId> {
        group.target(&format!("{index}@{process}@{}", self.here))
    }

    fn targets(&self) -> Result<Vec<(ProcessTarget, Option<ProcessIdentity>)>> {
        let adopted = self.adopted().clone();
        let target = |(index, member): (usize, &Adopted)| {
            let id = self.target_id(&self.id, index, member.process)?;
            let target = self.target(id, member.process, self.check.clone(), member.port);
            Ok((target, Some(member.process)))
        };
        adopted.iter().enumerate().map(target).collect()
    }

    /// Excludes the ancestors of this process.
    fn sparing_ancestors(&self, members: Vec<Member>) -> Result<Vec<Member>> {
        if self.even_ancestors {
            return Ok(members);
        }
        let line: Vec<String> = own_line()?.iter().map(ToString::to_string).collect();
        let is_ancestor = |member: &Member| {
            member.incarnation.as_deref().is_some_and(|own| line.iter().any(|ancestor| ancestor == own))
        };
        let spared = |member: Member| {
            if is_ancestor(&member) {
                member.excluded("it is an ancestor of the process that injects; `even_ancestors` allows it")
            } else {
                member
            }
        };
        Ok(members.into_iter().map(spared).collect())
    }

    fn target(
        &self,
        id: TargetId,
        process: ProcessIdentity,
        check: HealthCheck,
        port: Option<u16>,
    ) -> ProcessTarget {
        let mut labels = Labels::from([("pid".to_owned(), process.pid().to_string())]);
        if let Some(port) = port {
            labels.insert("port".to_owned(), port.to_string());
        }
        let address = port.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        ProcessTarget::new(id, labels, Arc::new(process), check, address, false, Arc::clone(&self.clock))
    }
}

#[async_trait]
impl Provider for Processes {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        let is_recovery_only = self.inner.adopted().is_empty();
        let listed = (!is_recovery_only && filter.passes(self.id())).then_some(self.id());
        stream::iter(listed).then(|id| self.group(id)).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        check_scheme(SCHEME, "group id", id.scheme(), id.as_str())?;
        if id != self.id() {
            // Only the process that adopted them knows which processes form a group, and a journal is replayed only
            // when that process is dead.
            let what = "the process that adopted this group is gone";
            return Err(Error::new(ErrorKind::NotFound, what).with("group", id));
        }
        let targets = self.inner.targets()?;
        let desired = targets.len();
        Ok(Group::new(id.clone())
            .desired(desired)
            .replaces_members(self.inner.replaced)
            .members(self.inner.sparing_ancestors(members(targets).await?)?))
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        let (identity, place) = process_in(id)?;
        match place.as_ref().map(|place| place.seen_from(&self.inner.here)) {
            Some(Seen::Elsewhere) => return Err(elsewhere(id)),
            Some(Seen::BeforeReboot) => return Ok(None),
            Some(Seen::Here) | None => {}
        }
        if ProcessHandle::open(identity)?.is_none() {
            return if place.is_some() { Ok(None) } else { Err(of_an_earlier_version(id)) };
        }
        let own =
            self.inner.targets()?.into_iter().map(|(target, _)| target).find(|target| target.id() == id);
        // Its health check is not known in this process, so it is either alive or not.
        let target =
            own.unwrap_or_else(|| self.inner.target(id.clone(), identity, HealthCheck::alive(), None));
        Ok(Some(Arc::new(target)))
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        let (_, place) = process_in(id)?;
        if place.is_some_and(|place| place.seen_from(&self.inner.here) == Seen::Elsewhere) {
            return Err(elsewhere(id));
        }
        let shell = ProcessShell::beyond(id.clone(), None, Arc::clone(&self.inner.clock));
        Ok(Remains::default().with_shell(Arc::new(shell)))
    }
}

/// The process that a target's id names, and its place, which earlier versions did not write.
fn process_in(id: &TargetId) -> Result<(ProcessIdentity, Option<Place>)> {
    check_scheme(SCHEME, "target id", id.scheme(), id.as_str())?;
    let invalid = || {
        let expected = "process:group/index@pid.start_time@namespace.boot.machine";
        Error::invalid("target id", format!("{:?}", id.as_str()), expected)
    };
    let (_, process) = id.name().split_once('@').ok_or_else(invalid)?;
    let (identity, place) = match process.split_once('@') {
        Some((identity, place)) => (identity, Some(place.parse().map_err(|_| invalid())?)),
        None => (process, None),
    };
    Ok((identity.parse().map_err(|_| invalid())?, place))
}

fn elsewhere(id: &TargetId) -> Error {
    let what = "this process is on another machine or in another container, so it is unknown whether it is gone; \
        recover on the machine and in the container in which it was started";
    // This process can never reach the place of that one.
    Error::new(ErrorKind::Unsupported, what).with("target", id).finally()
}

fn of_an_earlier_version(id: &TargetId) -> Error {
    let what = "no such process exists here, and its id, which an earlier version of this library wrote, does not \
        name a machine; if you know that the process runs again or is gone, declare the fault mended";
    Error::new(ErrorKind::Unsupported, what).with("target", id).finally()
}

fn adoptable(process: &impl AsProcess) -> Result<ProcessIdentity> {
    let identity = process.identity()?;
    if identity.pid() == process::id() {
        return Err(Error::invalid("process", identity, "a process other than this one"));
    }
    match ProcessHandle::open(identity)? {
        Some(_) => Ok(identity),
        None => Err(Error::new(ErrorKind::NotFound, "there is no such process").with("process", identity)),
    }
}

fn twice(process: ProcessIdentity) -> Error {
    Error::invalid("process", process, "each process once")
}
