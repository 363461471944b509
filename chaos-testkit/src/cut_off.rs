use std::{fmt, future::Future, sync::Arc};

use async_trait::async_trait;
use chaos_core::{
    Capability, CapabilitySet, ChaosEvent, FaultId, Hold, Permit, Prepared, Recovery, RecoveryScope, Result,
    Scope, TargetId, Verdict,
    capability::{Change, SettingsSnapshot, Standing},
    fault::BoxFuture,
};
use serde::{Deserialize, Serialize};

/// Cuts a target off, looks at the platform meanwhile, and connects the target again.
///
/// For tests of the traces of an isolation. It looks inside the injection, so a test needs to wait for nothing.
///
/// ```
/// use chaos_core::{MemoryJournal, Monkey, Registry, testing::MemoryProvider};
/// use chaos_testkit::{Connect, CutOff};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> chaos_core::Result<()> {
/// let monkey = Monkey::builder()
///     .provider(MemoryProvider::default().with_group("web", 3)?)
///     .unleash(MemoryJournal::new(), Registry::default().register::<Connect>())
///     .build()?;
/// let event = CutOff::looking(|| async { println!("web/machine-0 is cut off") });
/// let report = monkey.inject(event, &"memory:web/machine-0".parse()?).await?;
/// assert!(report.is_recovered());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CutOff {
    disturb: Option<Meanwhile>,
    look: Meanwhile,
}

type Meanwhile = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

impl CutOff {
    /// Calls `look` while the target is cut off.
    pub fn looking<L>(look: impl Fn() -> L + Send + Sync + 'static) -> Self
    where
        L: Future<Output = ()> + Send + 'static,
    {
        Self { disturb: None, look: Arc::new(move || Box::pin(look())) }
    }

    /// Calls `disturb` once the target is cut off, and then cuts it off again: for tests in which `disturb` undoes a
    /// part of the isolation.
    #[must_use]
    pub fn disturbed_by<D>(mut self, disturb: impl Fn() -> D + Send + Sync + 'static) -> Self
    where
        D: Future<Output = ()> + Send + 'static,
    {
        self.disturb = Some(Arc::new(move || Box::pin(disturb())));
        self
    }
}

#[async_trait]
impl ChaosEvent for CutOff {
    fn name(&self) -> &'static str {
        "cut-off"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Isolation])
    }

    fn hold(&self) -> Hold {
        Hold::MOMENTARY
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let settings = scope.target().capabilities().settings()?.clone();
        let before = settings.snapshot(&Change::Isolate).await?;
        let Self { disturb, look } = self.clone();
        Ok(Prepared::new(Connect(before.clone()), move |permit| {
            Box::pin(async move {
                settings.apply(&Change::Isolate, &before, permit).await?;
                if let Some(disturb) = disturb {
                    disturb().await;
                    settings.apply(&Change::Isolate, &before, permit).await?;
                }
                look().await;
                Ok(())
            })
        }))
    }
}

impl fmt::Debug for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CutOff")
    }
}

/// The recovery of a [`CutOff`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Connect(SettingsSnapshot);

#[async_trait]
impl Recovery for Connect {
    const KIND: &'static str = "chaos-testkit/connect/1";

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        match scope.remains().await?.settings()? {
            Some(settings) => settings.restore(&self.0, permit).await,
            None => Ok(()),
        }
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        restored(scope, &self.0).await
    }

    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        format!("remove the isolation of {target} with the id of fault {fault}")
    }
}

/// Whether nothing is left of a change of settings, whether the target still exists or not.
pub(crate) async fn restored(scope: &RecoveryScope, before: &SettingsSnapshot) -> Result<Verdict> {
    let target = scope.fresh_target().await?;
    let Some(settings) = scope.remains().await?.settings()? else {
        return Ok(Verdict::Gone("the target is gone".to_owned()));
    };
    Ok(match (settings.standing(before, scope.fault()).await?, target) {
        (Standing::AsBefore | Standing::Drifted(_), None) => {
            Verdict::Gone("the target is gone, and nothing is left of its isolation".to_owned())
        }
        (Standing::AsBefore | Standing::Drifted(_), Some(_)) => Verdict::Back,
        (standing, _) => Verdict::NotYet(standing.to_string()),
    })
}
