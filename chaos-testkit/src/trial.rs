//! Trials: chaos events that call the operation under test and look at its result.
//!
//! Only chaos-core makes permits, so an operation can only be called from a real fault: armed in a journal, injected by
//! a monkey, and recovered.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use chaos_core::{
    CapabilitySet, ChaosEvent, Error, ErrorKind, FaultId, Health, Hold, MemoryJournal, Permit, Prepared,
    Recovery, RecoveryScope, Registry, Result, Scope, Target, TargetId, Verdict,
    capability::SettingsSnapshot,
    fault::{BoxFuture, FaultState},
};
use serde::{Deserialize, Serialize};

use crate::{
    cut_off::restored,
    report::{Checked, violated},
    stage::{Stage, why_nothing},
};

/// The recovery of a trial.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Undo {
    /// There is nothing to undo, or it cannot be undone.
    Nothing,
    /// Start the target.
    Start,
    /// Restore the target's connections.
    Restore(SettingsSnapshot),
}

/// Calls the operation under test with the discovered target, and returns its findings.
pub(crate) type Act = Box<dyn for<'a> FnOnce(Arc<dyn Target>, &'a Permit) -> BoxFuture<'a, Checked> + Send>;

/// Runs `act` as the injection of a fault on the stage's target, and undoes it.
///
/// The fault is momentary, and the injection looks, so every wait can be as long as necessary.
pub(crate) async fn trial<A>(stage: &Stage, undo: Undo, act: A) -> Checked
where
    A: for<'a> FnOnce(Arc<dyn Target>, &'a Permit) -> BoxFuture<'a, Checked> + Send + 'static,
{
    let found = Arc::new(Mutex::new(None));
    let trial = Trial { undo, act: Mutex::new(Some(Box::new(act))), found: Arc::clone(&found) };
    let monkey = stage.monkey(MemoryJournal::new(), Registry::default().register::<Undo>())?;
    let report = monkey.inject(trial, &stage.target).await?;
    let Some(fault) = report.faults.first() else {
        return violated(format!("the trial was not injected: {}", why_nothing(&report)));
    };
    let found = held(&found).take();
    match (found, &fault.failure) {
        (Some(Err(finding)), _) => Err(finding),
        (_, Some(failure)) => violated(failure.to_string()),
        (None, None) => violated("the injection was not carried out"),
        (Some(Ok(())), None) if fault.state != FaultState::Recovered => {
            violated(format!("the target could not be brought back: it is {}", fault.state))
        }
        (Some(Ok(())), None) => Ok(()),
    }
}

struct Trial {
    undo: Undo,
    act: Mutex<Option<Act>>,
    found: Arc<Mutex<Option<Checked>>>,
}

#[async_trait]
impl ChaosEvent for Trial {
    fn name(&self) -> &'static str {
        "contract-trial"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        Hold::MOMENTARY
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let target = Arc::clone(scope.target());
        let act = held(&self.act)
            .take()
            .ok_or_else(|| Error::new(ErrorKind::Conflict, "a trial is injected once"))?;
        let found = Arc::clone(&self.found);
        Ok(Prepared::new(self.undo.clone(), move |permit| {
            Box::pin(async move {
                let checked = act(target, permit).await;
                *held(&found) = Some(checked);
                Ok(())
            })
        }))
    }
}

#[async_trait]
impl Recovery for Undo {
    const KIND: &'static str = "chaos-testkit/undo/1";

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Start => match scope.fresh_target().await? {
                Some(target) => target.capabilities().lifecycle()?.start(permit).await,
                None => Ok(()),
            },
            Self::Restore(snapshot) => match scope.remains().await?.settings()? {
                Some(settings) => settings.restore(snapshot, permit).await,
                None => Ok(()),
            },
        }
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        let gone = || Verdict::Gone("the target is gone".to_owned());
        match self {
            Self::Nothing => Ok(scope.fresh_target().await?.map_or_else(gone, |_| Verdict::Back)),
            Self::Start => match scope.fresh_target().await? {
                Some(target) => Ok(match target.health().await? {
                    Health::Healthy => Verdict::Back,
                    health => Verdict::NotYet(format!("the target is {health}")),
                }),
                None => Ok(gone()),
            },
            Self::Restore(snapshot) => restored(scope, snapshot).await,
        }
    }

    fn by_hand(&self, target: &TargetId, _: FaultId) -> String {
        match self {
            Self::Nothing => format!("There is nothing to do: {target} is as it was."),
            Self::Start => format!("Start {target} again with the tools of its platform."),
            Self::Restore(_) => format!("Connect {target} again as it was, with the tools of its platform."),
        }
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("undo", &self.undo).finish_non_exhaustive()
    }
}

/// A slot that a check and its fault share. A panic while holding it leaves nothing half-written.
pub(crate) fn held<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
