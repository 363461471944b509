use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    Hold,
    ledger::{Findings, Ledger},
};
use crate::{
    capability::{Isolation, Shell},
    clock::{Clock, Deadline},
    engine::Experiments,
    error::{Error, ErrorKind, Result},
    fault::{Fault, FaultId, Injection, Milestone},
    group::{Group, GroupId, Target, TargetId},
    monkey::RunId,
    observer::{Activity, Observers},
    provider::Provider,
};

/// What is lost of a hold to a slow injection is told from this on, and from a twentieth of it.
const LOSS_WORTH_A_NOTE: Duration = Duration::from_secs(1);

/// What an event and a recovery see: the target, its group, the fault's id and deadline, and the injected clock.
///
/// It shows, and it changes nothing.
#[derive(Clone, Debug)]
pub struct Scope {
    inner: Arc<Inner>,
    injection: Injection,
    discovered: Option<Discovered>,
    recover_by: Timestamp,
    /// Whether the fault is held, so that whoever looks is not to say that the target is back.
    is_held: bool,
}

/// The target and its group as they were when the event was to be prepared.
#[derive(Clone, Debug)]
pub(crate) struct Discovered {
    pub(crate) target: Arc<dyn Target>,
    pub(crate) group: Arc<Group>,
}

#[derive(Debug)]
struct Inner {
    parts: ScopeParts,
    /// Counted from the arming.
    armed: OnceLock<Deadline>,
    /// Set once the fault is armed.
    identity: OnceLock<Arc<Fault>>,
    ledger: Ledger,
}

/// The parts of a [`Scope`].
#[derive(Debug)]
pub(crate) struct ScopeParts {
    pub(crate) fault: FaultId,
    /// The run that injects it.
    pub(crate) run: Option<RunId>,
    pub(crate) event: String,
    pub(crate) seed: u64,
    pub(crate) target: TargetId,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Until the fault is armed, what the deadline would be if it were armed when the scope was made.
    pub(crate) deadline: Deadline,
    pub(crate) hold: Hold,
    /// How long a recovery may take.
    pub(crate) budget: Duration,
    /// Which of those that bear the target's name it is.
    pub(crate) incarnation: Option<Arc<str>>,
    pub(crate) observers: Observers,
}

impl Scope {
    /// The scope of an event that is being prepared.
    pub(crate) fn preparing(parts: ScopeParts, discovered: Discovered) -> Self {
        let recover_by = parts.deadline.at();
        let inner = Arc::new(Inner {
            parts,
            armed: OnceLock::new(),
            identity: OnceLock::new(),
            ledger: Ledger::default(),
        });
        Self {
            inner,
            injection: Injection::NeverBegan,
            discovered: Some(discovered),
            recover_by,
            is_held: false,
        }
    }

    /// The scope of a recovery in a later process.
    pub(crate) fn replaying(parts: ScopeParts, identity: Arc<Fault>, injection: Injection) -> Self {
        let recover_by = parts.deadline.at();
        let (armed, identity) = (parts.deadline.into(), identity.into());
        let inner = Arc::new(Inner { parts, armed, identity, ledger: Ledger::default() });
        Self { inner, injection, discovered: None, recover_by, is_held: false }
    }

    /// The scope of what comes after this event: of the looks at the fault while it is held, and of the recovery. It no
    /// longer shows what was discovered, so that a recovery that works here works in a later process too.
    pub(crate) fn recovering(&self, injection: Injection) -> Self {
        let recover_by = self.recover_by;
        Self { inner: Arc::clone(&self.inner), injection, discovered: None, recover_by, is_held: true }
    }

    /// The fault's id.
    pub fn fault(&self) -> FaultId {
        self.inner.parts.fault
    }

    /// The id of the target, even when it is gone.
    pub fn target_id(&self) -> &TargetId {
        &self.inner.parts.target
    }

    /// The id of the target's group.
    pub fn group_id(&self) -> GroupId {
        self.inner.parts.target.group()
    }

    /// The target, for an event's `prepare`.
    ///
    /// # Errors
    /// `NotFound` in a recovery, which may run long after and uses [`fresh_target`](Scope::fresh_target).
    pub fn target(&self) -> Result<&Arc<dyn Target>> {
        self.discovered().map(|discovered| &discovered.target)
    }

    /// The group, for an event's `prepare`: as it is now, with those of its members that are under a fault as they were
    /// before the run.
    ///
    /// # Errors
    /// `NotFound` in a recovery, which may run long after and uses [`fresh_group`](Scope::fresh_group).
    pub fn group(&self) -> Result<&Group> {
        self.discovered().map(|discovered| discovered.group.as_ref())
    }

    fn discovered(&self) -> Result<&Discovered> {
        self.discovered.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "a recovery has no discovered target or group; use `fresh_target` or `fresh_group`",
            )
            .with("target", self.target_id())
        })
    }

    /// A fresh look at the group; in a recovery, by [`Provider::group_in_recovery`].
    ///
    /// # Errors
    /// As [`Provider::group`].
    pub async fn fresh_group(&self) -> Result<Group> {
        let id = self.group_id();
        let provider = &self.inner.parts.provider;
        let group = match self.discovered {
            Some(_) => provider.group(&id).await?,
            None => provider.group_in_recovery(&id).await?,
        };
        if group.id == id { Ok(group) } else { Err(self.another(&id, &group.id)) }
    }

    /// A fresh look for the target; `None` where it is certainly gone, also where another target has its name by now:
    /// that one was never touched, and is not.
    ///
    /// # Errors
    /// As [`Provider::resolve`] and [`Target::incarnation`].
    pub async fn fresh_target(&self) -> Result<Option<Arc<dyn Target>>> {
        let id = self.target_id();
        let Some(target) = self.inner.parts.provider.resolve(id).await? else { return Ok(None) };
        if target.id() != id {
            return Err(self.another(id, target.id()));
        }
        let Some(incarnation) = self.incarnation() else { return Ok(Some(target)) };
        match target.incarnation().await? {
            Some(found) if *found != *incarnation => {
                // What is restarted may come back as another one on purpose.
                if !self.is_momentary() {
                    self.note("another target has its name now, and is left alone");
                }
                Ok(None)
            }
            _ => Ok(Some(target)),
        }
    }

    /// Tells the target from another one that bears its name after it, as [`Target::incarnation`] did when the fault
    /// was prepared.
    pub fn incarnation(&self) -> Option<&str> {
        self.inner.parts.incarnation.as_deref()
    }

    /// How long a recovery may take, all attempts together.
    pub fn recovery_budget(&self) -> Duration {
        self.inner.parts.budget
    }

    /// Says that whatever carries orders to the target may take so long for one, as [`Shell::answers_within`] tells:
    /// looks and orders are given that time, and one more, before they count as lost.
    pub fn expect_answers_within(&self, limit: Duration) {
        self.inner.ledger.expect_answers_within(limit);
    }

    /// A fresh look for a shell that reaches what scripts have left on the target: the target's own, or where that is
    /// gone, one that reaches what outlives it. `None` where nothing of it can be left.
    ///
    /// # Errors
    /// As [`Provider::resolve`] and [`Provider::shell_beyond`]; `Unsupported` where the target is there and has no
    /// shell.
    pub async fn fresh_shell(&self) -> Result<Option<Arc<dyn Shell>>> {
        match self.fresh_target().await? {
            Some(target) => target.capabilities().shell().map(|shell| Some(Arc::clone(shell))),
            None => self.inner.parts.provider.shell_beyond(self.target_id()).await,
        }
    }

    /// A fresh look for what isolates the target: its own capability, or where the target is gone, one that reaches
    /// what outlives it. `None` where nothing of an isolation can be left.
    ///
    /// # Errors
    /// As [`Provider::resolve`] and [`Provider::isolation_beyond`]; `Unsupported` where the target is there and offers
    /// no isolation.
    pub async fn fresh_isolation(&self) -> Result<Option<Arc<dyn Isolation>>> {
        match self.fresh_target().await? {
            Some(target) => target.capabilities().isolation().map(|isolation| Some(Arc::clone(isolation))),
            None => self.inner.parts.provider.isolation_beyond(self.target_id()).await,
        }
    }

    /// A fresh look for the engine that runs experiments, which is there without the target too.
    ///
    /// # Errors
    /// As [`Provider::resolve`] and [`Provider::experiments_beyond`].
    pub async fn fresh_experiments(&self) -> Result<Arc<dyn Experiments>> {
        let target = self.fresh_target().await?;
        match target.and_then(|target| target.capabilities().experiments) {
            Some(experiments) => Ok(experiments),
            None => self.inner.parts.provider.experiments_beyond(self.target_id()).await,
        }
    }

    /// The injected clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.parts.clock
    }

    /// When the fault must be over: for an event that is held, the end of its hold; for a momentary one, the end of the
    /// minute in which it must be injected. It counts from the arming: in `prepare` this is what it would be if the
    /// fault were armed at once, and in the injection [`Permit::remaining`](crate::fault::Permit::remaining) tells what
    /// is left.
    pub fn deadline(&self) -> Timestamp {
        self.bound().at()
    }

    /// From the arming until the [`deadline`](Scope::deadline): the hold, or for a momentary event one minute.
    pub fn lasting(&self) -> Duration {
        self.inner.parts.hold.until_deadline()
    }

    /// The time left until the [`deadline`](Scope::deadline); zero when it has passed.
    pub fn remaining(&self) -> Duration {
        self.bound().remaining(self.inner.parts.clock.as_ref())
    }

    /// When the recovery gives up: the end of its budget, which begins when the recovery does. Before that, the
    /// deadline.
    pub fn recover_by(&self) -> Timestamp {
        self.recover_by
    }

    /// Whether the fault is held, so that [`Recovery::verify`](crate::recovery::Recovery::verify) is asked whether it
    /// is in effect as it was asked for: what is left of it and does nothing, or less than was asked for, is over then.
    /// Before and after, anything that is left is still to be undone.
    pub fn is_held(&self) -> bool {
        self.is_held
    }

    /// What is known about whether the injection happened. In `prepare`, that it never began.
    pub fn injection(&self) -> Injection {
        self.injection
    }

    /// Reports a number that was measured, under a name that carries its unit, such as `load_percent`.
    pub fn measure(&self, name: &str, value: f64) {
        self.inner.ledger.measure(name, value);
    }

    /// Reports something that a person should know about this fault, such as that a guarantee is weaker on this target.
    /// Said twice it is reported once.
    pub fn note(&self, what: impl Into<String>) {
        self.inner.ledger.note(what.into());
    }

    /// Reports that the fault was in effect and has ended by itself as it was meant to, before its deadline: an
    /// experiment of an engine that is completed, say. It does not count as cut short then.
    pub fn run_its_course(&self) {
        self.inner.ledger.see();
        self.inner.ledger.complete();
    }

    /// Reports that nothing was hit, and why that is known: the disk was as full as that before, no packet was dropped.
    /// The run then ends as [`Outcome::NoEffect`](crate::monkey::Outcome::NoEffect). The last reason counts.
    pub fn no_effect(&self, why: impl Into<String>) {
        self.inner.ledger.no_effect(why.into());
    }

    /// Reports that the fault was seen in effect, although the target may be back by now: a terminated instance is
    /// gone, and another has taken its place. Without this, and where no look has found the target not back, one that
    /// is well is looked at again after the [settling time](crate::monkey::MonkeyBuilder::settle), because a fault
    /// whose injection is late may still come.
    ///
    /// An injection calls it where the answer that it has got proves the fault.
    pub fn see_effect(&self) {
        self.inner.ledger.see();
    }

    /// Reports that `milestone` was reached now. Only the first time counts, and no look while the fault is held: a
    /// target that is well then has not been hit yet, or is well because of somebody else.
    pub fn reach(&self, milestone: Milestone) {
        if self.is_held {
            return;
        }
        let at = self.now();
        if self.inner.ledger.reach(milestone, at) {
            self.observers().tell(at, Activity::Reached { fault: self.identity(), milestone });
        }
    }

    /// A provider that answers with another one must not have that one recovered.
    fn another(&self, asked: &dyn std::fmt::Display, found: &dyn std::fmt::Display) -> Error {
        Error::new(
            ErrorKind::Other,
            "the provider answered with a different target or group than the one requested",
        )
        .with("asked", asked)
        .with("found", found)
    }

    /// What seemed reached was not.
    pub(crate) fn forget(&self, milestone: Milestone) {
        self.inner.ledger.forget(milestone);
    }

    /// The same scope, with the end of the recovery budget.
    pub(crate) fn recover_until(mut self, recover_by: Timestamp) -> Self {
        self.recover_by = recover_by;
        self.is_held = false;
        self
    }

    /// Says how much of the hold went by before the fault was in effect, where that is worth a word. To be called when
    /// it is.
    pub(crate) fn note_what_is_lost(&self) {
        let lost = self.bound().elapsed(self.inner.parts.clock.as_ref());
        if !self.is_momentary() && lost >= LOSS_WORTH_A_NOTE && lost >= self.lasting() / 20 {
            self.note(format!(
                "{lost:.1?} of the {:?} went by before the injection had returned: the fault was in effect for that \
                 much less",
                self.lasting()
            ));
        }
    }

    /// Whether the event happens and is over.
    pub(crate) fn is_momentary(&self) -> bool {
        self.inner.parts.hold.is_momentary()
    }

    /// The fault is about to be armed: from now on its deadline counts.
    pub(crate) fn arm(&self) {
        let deadline = Deadline::after(self.inner.parts.clock.as_ref(), self.lasting());
        // Whoever arms twice gains no time.
        let _ = self.inner.armed.set(deadline);
    }

    pub(crate) fn bound(&self) -> Deadline {
        *self.inner.armed.get().unwrap_or(&self.inner.parts.deadline)
    }

    /// The time of day on the fault's own clock, which nobody can set: what its record is made of.
    pub(crate) fn now(&self) -> Timestamp {
        self.bound().now(self.inner.parts.clock.as_ref())
    }

    /// The identity of the fault, for activities.
    pub(crate) fn identity(&self) -> Arc<Fault> {
        let parts = &self.inner.parts;
        let now = || {
            Arc::new(Fault {
                id: parts.fault,
                run: parts.run,
                target: parts.target.clone(),
                event: parts.event.clone(),
                seed: parts.seed,
                deadline: self.deadline(),
            })
        };
        // Until it is armed, its deadline moves.
        match self.inner.armed.get() {
            Some(_) => Arc::clone(self.inner.identity.get_or_init(now)),
            None => now(),
        }
    }

    pub(crate) fn event(&self) -> &str {
        &self.inner.parts.event
    }

    pub(crate) fn seed(&self) -> u64 {
        self.inner.parts.seed
    }

    pub(crate) fn observers(&self) -> &Observers {
        &self.inner.parts.observers
    }

    pub(crate) fn findings(&self) -> Findings {
        self.inner.ledger.snapshot()
    }
}
