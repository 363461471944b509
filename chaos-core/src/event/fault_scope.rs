use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    Hold,
    ledger::{Findings, Ledger},
};
use crate::{
    clock::{Clock, Deadline},
    error::{Error, ErrorKind},
    fault::{Fault, FaultId},
    group::{GroupId, TargetId},
    monkey::RunId,
    observer::Observers,
    provider::Provider,
};

/// What is lost of a hold to a slow injection is told from this on, and from a twentieth of it.
const LOSS_WORTH_A_NOTE: Duration = Duration::from_secs(1);

/// What an event and a recovery both see of one fault, and where both report what they find: its id, its target's id,
/// its deadline, and the injected clock.
///
/// [`Scope`](crate::event::Scope) and [`RecoveryScope`](crate::recovery::RecoveryScope) dereference to it, so a
/// function that an event and its recovery share takes a `&FaultScope`. A clone is a handle to the same fault: an
/// injection keeps one to report what it achieved.
///
/// It shows, and it changes nothing.
#[derive(Clone, Debug)]
pub struct FaultScope {
    inner: Arc<Inner>,
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

/// The parts of a [`FaultScope`].
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

impl FaultScope {
    /// That of a fault that is not armed yet.
    pub(crate) fn preparing(parts: ScopeParts) -> Self {
        let (armed, identity) = (OnceLock::new(), OnceLock::new());
        Self { inner: Arc::new(Inner { parts, armed, identity, ledger: Ledger::default() }) }
    }

    /// That of a fault that an earlier process armed.
    pub(crate) fn replaying(parts: ScopeParts, identity: Arc<Fault>) -> Self {
        let (armed, identity) = (parts.deadline.into(), identity.into());
        Self { inner: Arc::new(Inner { parts, armed, identity, ledger: Ledger::default() }) }
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

    /// Tells the target from another one that bears its name after it, as
    /// [`Target::incarnation`](crate::group::Target::incarnation) did when the fault was prepared.
    pub fn incarnation(&self) -> Option<&str> {
        self.inner.parts.incarnation.as_deref()
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

    /// From the arming until the [`deadline`](FaultScope::deadline): the hold, or for a momentary event one minute.
    pub fn lasting(&self) -> Duration {
        self.inner.parts.hold.until_deadline()
    }

    /// The time left until the [`deadline`](FaultScope::deadline); zero when it has passed.
    pub fn remaining(&self) -> Duration {
        self.bound().remaining(self.inner.parts.clock.as_ref())
    }

    /// How long a recovery may take, all attempts together.
    pub fn recovery_budget(&self) -> Duration {
        self.inner.parts.budget
    }

    /// Says that whatever carries orders to the target may take so long for one, as
    /// [`Shell::answers_within`](crate::capability::Shell::answers_within) tells: looks and orders are given that time,
    /// and one more, before they count as lost.
    pub fn expect_answers_within(&self, limit: Duration) {
        self.inner.ledger.expect_answers_within(limit);
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

    /// Reports that nothing was hit, and why that is known: the disk was as full as that before, no packet was dropped.
    /// The run then ends as [`Outcome::NoEffect`](crate::monkey::Outcome::NoEffect). The last reason counts.
    pub fn no_effect(&self, why: impl Into<String>) {
        self.inner.ledger.no_effect(why.into());
    }

    /// Reports that the fault was seen in effect, although the target may be back by now: a terminated instance is
    /// gone, and another has taken its place. Without this, and if no look has found the target not back, a target that
    /// is well is looked at again after the [settling time](crate::monkey::MonkeyBuilder::settle), because a fault
    /// whose injection is late may still come.
    ///
    /// An injection calls it if the answer that it has got proves the fault.
    pub fn see_effect(&self) {
        self.inner.ledger.see();
    }

    /// A provider that answers with another target or group must not have that one recovered.
    pub(crate) fn another(&self, asked: &dyn fmt::Display, found: &dyn fmt::Display) -> Error {
        Error::new(
            ErrorKind::Other,
            "the provider answered with a different target or group than the one requested",
        )
        .with("asked", asked)
        .with("found", found)
    }

    /// Says how much of the hold went by before the fault was in effect, if that is worth a word. To be called when
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

    pub(crate) fn provider(&self) -> &dyn Provider {
        self.inner.parts.provider.as_ref()
    }

    pub(crate) fn observers(&self) -> &Observers {
        &self.inner.parts.observers
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.inner.ledger
    }

    pub(crate) fn findings(&self) -> Findings {
        self.inner.ledger.snapshot()
    }
}
