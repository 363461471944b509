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
    schedule::TakenDue,
};

/// The minimum time that a slow injection must take off a hold to be reported, together with a twentieth of the hold.
const LOSS_WORTH_A_NOTE: Duration = Duration::from_secs(1);

/// The common scope of an event and a recovery, to which both report their findings: the fault's id, its target's id,
/// its deadline, and the injected clock.
///
/// [`Scope`](crate::event::Scope) and [`RecoveryScope`](crate::recovery::RecoveryScope) dereference to it, so a
/// function that an event and its recovery share takes a `&FaultScope`. A clone is a handle to the same fault: an
/// injection keeps one to report what it achieved.
///
/// A scope only shows; it changes nothing.
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
    /// Until the fault is armed, the deadline that it would have if it were armed when the scope was made.
    pub(crate) deadline: Deadline,
    pub(crate) hold: Hold,
    /// How long a recovery may take.
    pub(crate) budget: Duration,
    /// The incarnation of the target.
    pub(crate) incarnation: Option<Arc<str>>,
    /// The due that it carries out.
    pub(crate) due: Option<TakenDue>,
    pub(crate) observers: Observers,
}

impl FaultScope {
    /// The scope of a fault that is not armed yet.
    pub(crate) fn preparing(parts: ScopeParts) -> Self {
        let (armed, identity) = (OnceLock::new(), OnceLock::new());
        Self { inner: Arc::new(Inner { parts, armed, identity, ledger: Ledger::default() }) }
    }

    /// The scope of a fault that an earlier process armed.
    pub(crate) fn replaying(parts: ScopeParts, identity: Arc<Fault>) -> Self {
        let (armed, identity) = (parts.deadline.into(), identity.into());
        Self { inner: Arc::new(Inner { parts, armed, identity, ledger: Ledger::default() }) }
    }

    /// The fault's id.
    pub fn fault(&self) -> FaultId {
        self.inner.parts.fault
    }

    /// The due that it carries out.
    pub(crate) fn due(&self) -> Option<TakenDue> {
        self.inner.parts.due
    }

    /// The id of the target, even when it is gone.
    pub fn target_id(&self) -> &TargetId {
        &self.inner.parts.target
    }

    /// The id of the target's group.
    pub fn group_id(&self) -> GroupId {
        self.inner.parts.target.group()
    }

    /// Tells the target apart from a later one with the same name: the
    /// [`Target::incarnation`](crate::group::Target::incarnation) when the fault was prepared.
    pub fn incarnation(&self) -> Option<&str> {
        self.inner.parts.incarnation.as_deref()
    }

    /// The injected clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.parts.clock
    }

    /// When the fault must be over: for an event with a hold, the end of its hold; for a momentary one, the end of the
    /// minute in which it must be injected. It counts from the arming. In `prepare` it is the deadline that the fault
    /// would have if it were armed at once. In the injection, [`Permit::remaining`](crate::fault::Permit::remaining)
    /// returns the remaining time.
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

    /// The recovery budget: how long a recovery may take, all attempts together.
    pub fn recovery_budget(&self) -> Duration {
        self.inner.parts.budget
    }

    /// Sets how long the transport to the target may take for one order, as
    /// [`Shell::answers_within`](crate::capability::Shell::answers_within) tells. Looks and orders get twice that time
    /// before they count as lost.
    pub fn expect_answers_within(&self, limit: Duration) {
        self.inner.ledger.expect_answers_within(limit);
    }

    /// Reports a measured number, under a name that includes its unit, such as `load_percent`.
    pub fn measure(&self, name: &str, value: f64) {
        self.inner.ledger.measure(name, value);
    }

    /// Reports a fact that a person should know about this fault, such as that a guarantee is weaker on this target.
    /// The same text is reported only once.
    pub fn note(&self, what: impl Into<String>) {
        self.inner.ledger.note(what.into());
    }

    /// Reports that nothing was hit, with the reason, such as that the disk was already full, or that no packet was
    /// dropped. The run then ends as [`Outcome::NoEffect`](crate::monkey::Outcome::NoEffect). The last reason counts.
    pub fn no_effect(&self, why: impl Into<String>) {
        self.inner.ledger.no_effect(why.into());
    }

    /// Reports that the fault was seen in effect, although the target may be back by now: a terminated instance is
    /// gone, and another has taken its place. Without this, and if no look has seen the target down, a target that is
    /// well is looked at again after the [settling time](crate::monkey::MonkeyBuilder::settle), because a fault whose
    /// injection is late may still come.
    ///
    /// An injection calls it if its answer proves that the fault is in effect.
    pub fn see_effect(&self) {
        self.inner.ledger.see();
    }

    /// If a provider answers with another target or group, that one must not be recovered.
    pub(crate) fn another(&self, asked: &dyn fmt::Display, found: &dyn fmt::Display) -> Error {
        Error::new(
            ErrorKind::Other,
            "the provider answered with a different target or group than the one requested",
        )
        .with("asked", asked)
        .with("found", found)
    }

    /// Reports the part of the hold that passed before the fault was in effect, if it is long. Call it when the fault
    /// is in effect.
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

    /// Whether the event is momentary: it happens and is over.
    pub(crate) fn is_momentary(&self) -> bool {
        self.inner.parts.hold.is_momentary()
    }

    /// The fault is about to be armed: its deadline counts from now on.
    pub(crate) fn arm(&self) {
        let deadline = Deadline::after(self.inner.parts.clock.as_ref(), self.lasting());
        // A second call does not prolong the fault.
        let _ = self.inner.armed.set(deadline);
    }

    pub(crate) fn bound(&self) -> Deadline {
        *self.inner.armed.get().unwrap_or(&self.inner.parts.deadline)
    }

    /// The time of day on the fault's own clock, which cannot be set. The record contains these times.
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
