use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;

use super::{Armed, FaultRecord, Magnitude, Permit, Safeguard};
use crate::{
    clock,
    error::{Error, ErrorKind, Result},
    event::Scope,
    journal::{Arming, Limits},
    recovery::{BoxRecovery, Recovery, RecoveryRecord, Registry},
};

/// An injection: the function that changes the target, with a permit.
pub type Inject = Box<dyn for<'a> FnOnce(&'a Permit) -> BoxFuture<'a, Result<()>> + Send>;

/// An injection together with its recovery. Neither exists without the other, and nothing has happened yet. The next
/// step is [`arm`](Prepared::arm).
#[must_use = "nothing is injected before it is armed"]
pub struct Prepared {
    pub(super) inject: Inject,
    pub(super) recovery: BoxRecovery,
    pub(super) requested: Magnitude,
    is_counted: bool,
}

impl Prepared {
    /// Pairs an injection with its recovery.
    pub fn new<R, F>(recovery: R, inject: F) -> Self
    where
        R: Recovery,
        F: for<'a> FnOnce(&'a Permit) -> BoxFuture<'a, Result<()>> + Send + 'static,
    {
        Self {
            inject: Box::new(inject),
            recovery: BoxRecovery::new(recovery),
            requested: Magnitude::default(),
            is_counted: true,
        }
    }

    /// Counts in no limit of the blast radius, and is refused by none that counts faults. Only for what hits no target
    /// of its own, such as the entry of an experiment whose faults have entries of their own.
    pub fn uncounted(mut self) -> Self {
        self.is_counted = false;
        self
    }

    /// Sets a requested number, under a name that includes its unit, such as `load_percent`.
    pub fn requesting(mut self, name: &str, value: f64) -> Self {
        self.requested.set(name, value);
        self
    }

    /// Wraps the injection, for instance in a delay or a failure in a test. The recovery stays.
    pub fn around(mut self, wrap: impl FnOnce(Inject) -> Inject) -> Self {
        self.inject = wrap(self.inject);
        self
    }

    /// The [`Recovery::KIND`] of the recovery.
    pub fn recovery_kind(&self) -> &'static str {
        self.recovery.kind()
    }

    pub(crate) fn requested(&self) -> &Magnitude {
        &self.requested
    }

    pub(crate) fn by_hand(&self, scope: &Scope) -> String {
        self.recovery.by_hand(scope.target_id(), scope.fault())
    }

    /// The recovery as the journal will hold it, after a proof that it reads back.
    pub(crate) fn readable(&self, registry: &Registry) -> Result<RecoveryRecord> {
        let (record, _) = registry.round_trip(&self.recovery).map_err(|error| {
            Error::new(ErrorKind::Refused, "a recovery that cannot be read back could not undo the fault")
                .caused_by(error)
        })?;
        Ok(record)
    }

    /// The record with which it would be armed now, and nothing more.
    pub(crate) fn rehearsed(
        &self,
        scope: &Scope,
        registry: &Registry,
        budget: Duration,
    ) -> Result<FaultRecord> {
        Ok(self.record(scope, self.readable(registry)?, budget))
    }

    fn record(&self, scope: &Scope, recovery: RecoveryRecord, budget: Duration) -> FaultRecord {
        let mut record = FaultRecord::armed(
            scope.fault(),
            scope.seed(),
            scope.target_id().clone(),
            scope.event(),
            recovery,
            self.requested.clone(),
            scope.now(),
            scope.deadline(),
        )
        .incarnation(scope.incarnation().map(str::to_owned))
        .recover_by(clock::after(scope.deadline(), budget));
        record.is_counted = self.is_counted;
        record.due = scope.due();
        // The notes of the event are known before anything happens.
        record.note = scope.findings().notes_and(None);
        record
    }

    /// Makes the recovery durable. Refused if a limit forbids the fault.
    ///
    /// # Errors
    /// `Refused` if the recovery could not be read back from the journal; otherwise the journal's error. After an error
    /// nothing was injected. It is unknown whether the journal holds the fault; if it does, a replay cleans it up.
    ///
    /// Not cancel safe: a dropped call may leave the fault armed. A replay cleans it up.
    pub async fn arm(
        mut self,
        scope: &Scope,
        safeguard: &Safeguard,
        limits: &Limits,
    ) -> Result<Arming<Armed>> {
        let (recovery, read_back) = safeguard.registry.round_trip(&self.recovery).map_err(|error| {
            Error::new(ErrorKind::Refused, "a recovery that cannot be read back could not undo the fault")
                .with("event", scope.event())
                .caused_by(error)
        })?;
        // The same recovery runs here as after a crash. A recovery that works only in the process that prepared it
        // would be worthless.
        self.recovery = read_back;
        scope.arm();
        let record = self.record(scope, recovery, safeguard.retry.budget);
        Ok(match safeguard.journal.arm(&record, limits).await? {
            Arming::Armed(lease) => {
                Arming::Armed(Armed::new(self, record, scope.clone(), safeguard.clone(), lease))
            }
            Arming::Refused(reason) => Arming::Refused(reason),
        })
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("recovery", &self.recovery)
            .field("requested", &self.requested)
            .finish()
    }
}
