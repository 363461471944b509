//! Permits and scopes, lent to the unit tests of a lifecycle, a shell, an event or a recovery of your own.
//!
//! Only `chaos-core` makes a [`Permit`], and only after the undo of a fault is durable. A test therefore borrows one
//! from a real fault: a monkey arms it over a journal in memory, and the test's closure is the injection or the
//! recovery. The target is brought back afterwards, whether the closure succeeds, fails or panics. A permit is lent for
//! the length of the closure and cannot be kept.
//!
//! Each function takes a closure and returns its result. A panic in the closure, such as a failed assertion, becomes an
//! error with the message of the panic.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use chaos_core::{
    CapabilitySet, ChaosEvent, Error, ErrorKind, FaultId, Hold, MemoryJournal, Permit, Prepared, Recovery,
    RecoveryScope, Registry, Result, Scope, TargetId, Verdict, fault::BoxFuture,
};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use crate::{
    Subject, Timing,
    report::{Finding, message},
    stage::{Stage, why_nothing},
    trial::held,
};

/// Lends a permit to inject. `recovery` is in the journal before `act` begins and runs when it has ended.
///
/// ```
/// use chaos_core::{Health, Provider, testing::{ManualClock, MemoryProvider, PowerOn}};
/// use chaos_testkit::{Subject, Timing, lend};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> chaos_core::Result<()> {
/// let timing = Timing::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
/// let world = MemoryProvider::default().with_group("web", 3)?;
/// let target = world.resolve(&"memory:web/machine-0".parse()?).await?.unwrap();
/// let subject = Subject::new(world, target.id().clone());
/// let lifecycle = target.capabilities().lifecycle()?.clone();
///
/// let stopped = target.clone();
/// let health = lend::permit(&timing, &subject, PowerOn::default(), move |permit| {
///     Box::pin(async move {
///         lifecycle.stop(permit).await?;
///         stopped.health().await
///     })
/// })
/// .await?;
/// assert_eq!(health, Health::Stopped);
/// assert_eq!(target.health().await?, Health::Healthy, "the recovery has started it again");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The error of `act`. Otherwise `Refused` if the target is not healthy, and an error if it was not brought back.
///
/// Not cancel safe: if the call is dropped, the recovery goes on in a task of its own.
pub async fn permit<R, A, T>(timing: &Timing, subject: &Subject, recovery: R, act: A) -> Result<T>
where
    R: Recovery,
    A: for<'a> FnOnce(&'a Permit) -> BoxFuture<'a, Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let found = Arc::new(Mutex::new(None));
    let answer = Arc::clone(&found);
    let prepare = move |_: &Scope| -> BoxFuture<'static, Result<Prepared>> {
        let prepared = Prepared::new(recovery, move |permit| {
            Box::pin(async move {
                let acted = caught(async { act(permit).await }).await;
                *held(&answer) = Some(acted);
                Ok(())
            })
        });
        Box::pin(async { Ok(prepared) })
    };
    lent(timing, subject, Lent::new(prepare), Registry::default().register::<R>(), &found).await
}

/// Lends the scope that an event is given while it is prepared. Nothing is armed, and no permit is lent.
///
/// # Errors
/// The error of `look`. Otherwise `Refused` if the target is not healthy.
///
/// As cancel safe as `look`.
pub async fn scope<L, T>(timing: &Timing, subject: &Subject, look: L) -> Result<T>
where
    L: for<'a> FnOnce(&'a Scope) -> BoxFuture<'a, Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let found = Arc::new(Mutex::new(None));
    let answer = Arc::clone(&found);
    let prepare = move |scope: &Scope| -> BoxFuture<'static, Result<Prepared>> {
        let scope = scope.clone();
        Box::pin(async move {
            let looked = caught(async { look(&scope).await }).await;
            *held(&answer) = Some(looked);
            Err(Error::new(ErrorKind::Refused, "the scope was lent to a test, and nothing is injected"))
        })
    };
    lent(timing, subject, Lent::new(prepare), Registry::default(), &found).await
}

/// Lends the scope and the permit of a recovery. No deadline limits that permit. The injection before it does nothing.
///
/// ```
/// use chaos_core::{Health, Provider, testing::{ManualClock, MemoryProvider}};
/// use chaos_testkit::{Subject, Timing, lend};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> chaos_core::Result<()> {
/// let timing = Timing::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
/// let world = MemoryProvider::default().with_group("web", 3)?;
/// let subject = Subject::new(world.clone(), "memory:web/machine-0".parse()?);
/// let health = lend::recovery_scope(&timing, &subject, move |scope, permit| {
///     Box::pin(async move {
///         world.set_health(scope.target_id(), Health::Stopped)?;
///         let target = scope.fresh_target().await?.expect("it is there");
///         target.capabilities().lifecycle()?.start(permit).await?;
///         target.health().await
///     })
/// })
/// .await?;
/// assert_eq!(health, Health::Healthy);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The error of `act`. Otherwise `Refused` if the target is not healthy.
///
/// Not cancel safe: if the call is dropped, `act` goes on in a task of its own.
pub async fn recovery_scope<A, T>(timing: &Timing, subject: &Subject, act: A) -> Result<T>
where
    A: for<'a> FnOnce(&'a RecoveryScope, &'a Permit) -> BoxFuture<'a, Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let found = Arc::new(Mutex::new(None));
    let answer = Arc::clone(&found);
    let act: Act = Box::new(move |scope, permit| {
        Box::pin(async move {
            let acted = caught(async { act(scope, permit).await }).await;
            *held(&answer) = Some(acted);
        })
    });
    let act = Arc::new(Mutex::new(Some(act)));
    let registry = Registry::default()
        .register_with::<LentRecovery>(move |_| LentRecovery { act: Some(Arc::clone(&act)) });
    let prepare = |_: &Scope| -> BoxFuture<'static, Result<Prepared>> {
        let nothing = Prepared::new(LentRecovery { act: None }, |_| Box::pin(async { Ok(()) }));
        Box::pin(async { Ok(nothing) })
    };
    lent(timing, subject, Lent::new(prepare), registry, &found).await
}

/// Undoes nothing: a recovery for [`permit`], if the test has made the target for itself.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NothingToUndo {}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Recovery for NothingToUndo {
    const KIND: &'static str = "chaos-testkit/nothing-to-undo/1";

    async fn recover(&self, _: &RecoveryScope, _: &Permit) -> Result<()> {
        Ok(())
    }

    async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> {
        Ok(Verdict::Back)
    }

    fn by_hand(&self, target: &TargetId, _: FaultId) -> String {
        format!("There is nothing to do: {target} was made for a test.")
    }
}

/// Runs the fault that lends a permit or a scope. The closure leaves its result in `found`.
async fn lent<T>(
    timing: &Timing,
    subject: &Subject,
    event: Lent,
    registry: Registry,
    found: &Mutex<Option<Result<T>>>,
) -> Result<T> {
    let stage = Stage::set(timing, Ok(subject.clone())).await.map_err(|finding| match finding {
        Finding::Violated(why) | Finding::NotApplicable(why) => Error::new(ErrorKind::Refused, why),
    })?;
    let report = stage.monkey(MemoryJournal::new(), registry)?.inject(event, &stage.target).await?;
    let nothing_was_lent =
        || Error::new(ErrorKind::Refused, format!("nothing was lent: {}", why_nothing(&report)));
    let fault = report.faults.first();
    let answer = held(found).take();
    match (answer, fault.and_then(|fault| fault.failure.as_ref())) {
        (Some(Err(error)), _) => Err(error),
        (_, Some(failure)) => Err(Error::new(failure.kind, failure.message.clone())),
        (Some(Ok(value)), None) if report.is_recovered() => Ok(value),
        (Some(Ok(_)), None) => Err(Error::new(ErrorKind::Other, format!("the target is not back: {report}"))),
        (None, None) => Err(nothing_was_lent()),
    }
}

/// A panic as an error.
async fn caught<T>(acting: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(acting).catch_unwind().await.unwrap_or_else(|panic| {
        Err(Error::new(ErrorKind::Other, format!("it panicked: {}", message(panic.as_ref()))))
    })
}

type Prepare = Box<dyn FnOnce(&Scope) -> BoxFuture<'static, Result<Prepared>> + Send>;

/// A momentary event that is prepared by a closure, once.
struct Lent(Mutex<Option<Prepare>>);

impl Lent {
    fn new(prepare: impl FnOnce(&Scope) -> BoxFuture<'static, Result<Prepared>> + Send + 'static) -> Self {
        Self(Mutex::new(Some(Box::new(prepare))))
    }
}

#[async_trait]
impl ChaosEvent for Lent {
    fn name(&self) -> &'static str {
        "lent-to-a-test"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        Hold::MOMENTARY
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let prepare = held(&self.0).take();
        match prepare {
            Some(prepare) => prepare(scope).await,
            None => Err(Error::new(ErrorKind::Conflict, "a permit or a scope is lent to a test only once")),
        }
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lent")
    }
}

type Act = Box<dyn for<'a> FnOnce(&'a RecoveryScope, &'a Permit) -> BoxFuture<'a, ()> + Send>;

/// A recovery that calls a closure. The registry hands the closure over when it reads the recovery back.
#[derive(Serialize, Deserialize)]
struct LentRecovery {
    #[serde(skip)]
    act: Option<Arc<Mutex<Option<Act>>>>,
}

impl LentRecovery {
    fn take(&self) -> Option<Act> {
        self.act.as_ref().and_then(|act| held(act).take())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Recovery for LentRecovery {
    const KIND: &'static str = "chaos-testkit/lent/1";

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        if let Some(act) = self.take() {
            act(scope, permit).await;
        }
        Ok(())
    }

    /// The verification also runs before the first attempt, and that attempt must not be left out.
    async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> {
        let is_waiting = self.act.as_ref().is_some_and(|act| held(act).is_some());
        Ok(if is_waiting {
            Verdict::NotYet("the closure was not called yet".to_owned())
        } else {
            Verdict::Back
        })
    }

    fn by_hand(&self, target: &TargetId, _: FaultId) -> String {
        format!("There is nothing to do: {target} was made for a test.")
    }
}

impl fmt::Debug for LentRecovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LentRecovery")
    }
}
