//! The suite of recoveries: sound ones pass, and each check is violated by a liar.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use crate::support::{Coverage, paused, world::World};
use chaos_core::{
    CapabilitySet, ChaosEvent, Error, ErrorKind, FaultId, Health, Hold, Permit, Prepared, Recovery,
    RecoveryScope, Result, Scope, TargetId, Verdict, async_trait,
    fault::Injection,
    testing::{MemoryProvider, PowerOff, PowerOn},
};
use chaos_testkit::{ContractReport, Subject, contract};
use serde::{Deserialize, Serialize};

const READS_BACK: &str = "it reads back as it was written";
const BY_HAND: &str = "it says how a person undoes it";
const NEVER_BEGAN: &str = "it is right where the injection never began";
const DID_NOTHING: &str = "it is right where the injection was begun and did nothing";
const HALF_WAY: &str = "it is right where the injection was cut off half-way";
const REPLY_LOST: &str = "it is right where the reply of the injection was lost";
const JOURNAL_ALONE: &str = "another monkey brings the target back from the journal alone";
const TWICE: &str = "recovering twice is recovering once";
const DROPPED: &str = "a recovery that was dropped can be repeated";
const GONE: &str = "it is right where the target is gone";
const ANOTHER: &str = "another target of this name is left alone";
const SEES: &str = "verify sees that the fault holds";
const CHANGES_NOTHING: &str = "verify changes nothing";

fn subject() -> Result<Subject> {
    let world = MemoryProvider::default().with_group("web", 3)?;
    World::enter(&world);
    LOCKED.with(|locked| locked.store(false, SeqCst));
    Ok(Subject::new(world, World::machine(0)))
}

thread_local! {
    /// A lock that a dropped recovery leaves behind.
    static LOCKED: AtomicBool = const { AtomicBool::new(false) };
}

/// The differences between a liar and [`PowerOn`].
trait Lie: Send + Sync + 'static {
    const KIND: &'static str = "tests/liar/1";

    /// An action in place of the start of the machine, if any.
    fn recover(scope: &RecoveryScope, health: Option<Health>, serialised: bool) -> Option<Result<()>> {
        let _ = (scope, health, serialised);
        None
    }

    /// A verdict in place of the truth, if any.
    fn verify(scope: &RecoveryScope, health: Option<Health>) -> Option<Result<Verdict>> {
        let _ = (scope, health);
        None
    }

    const LOCKS: bool = false;

    /// Starts any target that its group lists under the name of its own.
    const TAKES_ANY: bool = false;

    const BY_HAND: &'static str = "start it";
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Liar<L> {
    /// Whether this recovery was read back.
    #[serde(skip, default = "yes")]
    serialised: bool,
    #[serde(skip)]
    lie: PhantomData<fn() -> L>,
}

fn yes() -> bool {
    true
}

impl<L> std::fmt::Debug for Liar<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Liar")
    }
}

async fn health(scope: &RecoveryScope) -> Result<Option<Health>> {
    match scope.fresh_target().await? {
        Some(target) => target.health().await.map(Some),
        None => Ok(None),
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<L: Lie> Recovery for Liar<L> {
    const KIND: &'static str = L::KIND;

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        if let Some(result) = L::recover(scope, health(scope).await?, self.serialised) {
            return result;
        }
        if L::TAKES_ANY {
            let group = scope.fresh_group().await?;
            return match group.member(scope.target_id()) {
                Some(member) => member.target.capabilities().lifecycle()?.start(permit).await,
                None => Ok(()),
            };
        }
        if L::LOCKS {
            if LOCKED.with(|locked| locked.swap(true, SeqCst)) {
                return Err(denied());
            }
            tokio::task::yield_now().await;
        }
        PowerOn::default().recover(scope, permit).await?;
        LOCKED.with(|locked| locked.store(false, SeqCst));
        Ok(())
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        match L::verify(scope, health(scope).await?) {
            Some(result) => result,
            None => PowerOn::default().verify(scope).await,
        }
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        L::BY_HAND.to_owned()
    }
}

fn denied() -> Error {
    Error::new(ErrorKind::Denied, "denied")
}

/// Stops a machine in two steps, with a wait between them, and undoes it by `R`.
struct InTwoSteps<L>(PhantomData<fn() -> L>);

impl<L> std::fmt::Debug for InTwoSteps<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InTwoSteps")
    }
}

#[async_trait]
impl<L: Lie> ChaosEvent for InTwoSteps<L> {
    fn name(&self) -> &'static str {
        "in-two-steps"
    }

    fn requires(&self) -> CapabilitySet {
        PowerOff::default().requires()
    }

    fn hold(&self) -> Hold {
        Hold::DEFAULT
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let lifecycle = scope.target().capabilities().lifecycle()?.clone();
        let recovery = Liar::<L> { serialised: false, lie: PhantomData };
        Ok(Prepared::new(recovery, |permit| {
            Box::pin(async move {
                World::set(0, Health::Unhealthy);
                tokio::task::yield_now().await;
                lifecycle.stop(permit).await
            })
        }))
    }
}

async fn check<L: Lie>() -> ContractReport {
    contract::recovery::check::<Liar<L>>(&paused(), InTwoSteps::<L>(PhantomData), async || subject()).await
}

macro_rules! liar {
    ($name:ident { $($body:tt)* }) => {
        struct $name;
        impl Lie for $name { $($body)* }
    };
}

/// The addition of a sound recovery of [`InTwoSteps`]: a step that was begun is undone too.
fn undo_first_step(health: Option<Health>) {
    if health == Some(Health::Unhealthy) {
        World::set(0, Health::Stopped);
    }
}

liar!(Sound {
    fn recover(_: &RecoveryScope, health: Option<Health>, _: bool) -> Option<Result<()>> {
        undo_first_step(health);
        None
    }
});

liar!(BadKind {
    const KIND: &'static str = "a kind without a version";

    fn recover(_: &RecoveryScope, health: Option<Health>, _: bool) -> Option<Result<()>> {
        undo_first_step(health);
        None
    }
});

liar!(NeedsAnInjection {
    fn recover(scope: &RecoveryScope, health: Option<Health>, _: bool) -> Option<Result<()>> {
        undo_first_step(health);
        (scope.injection() == Injection::NeverBegan).then(|| Err(denied()))
    }

    fn verify(scope: &RecoveryScope, _: Option<Health>) -> Option<Result<Verdict>> {
        (scope.injection() == Injection::NeverBegan).then(|| Err(denied()))
    }
});

liar!(DamagesWhatIsWell {
    fn recover(scope: &RecoveryScope, health: Option<Health>, serialised: bool) -> Option<Result<()>> {
        undo_first_step(health);
        if serialised && health == Some(Health::Healthy) && scope.injection() == Injection::Unknown {
            World::set(0, Health::Unhealthy);
        }
        None
    }

    fn verify(scope: &RecoveryScope, _: Option<Health>) -> Option<Result<Verdict>> {
        (scope.injection() == Injection::Unknown).then_some(Ok(Verdict::Back))
    }
});

liar!(KnowsOneStep {});

liar!(SaysNothing {
    fn recover(_: &RecoveryScope, health: Option<Health>, _: bool) -> Option<Result<()>> {
        undo_first_step(health);
        None
    }

    const BY_HAND: &'static str = " \n";
});

liar!(SaysItInColours {
    fn recover(_: &RecoveryScope, health: Option<Health>, _: bool) -> Option<Result<()>> {
        undo_first_step(health);
        None
    }

    const BY_HAND: &'static str = "\x1b[1mstart it";
});

liar!(BelievesErrors {
    fn recover(scope: &RecoveryScope, health: Option<Health>, _: bool) -> Option<Result<()>> {
        undo_first_step(health);
        (scope.injection() == Injection::Unknown).then_some(Ok(()))
    }

    fn verify(scope: &RecoveryScope, _: Option<Health>) -> Option<Result<Verdict>> {
        (scope.injection() == Injection::Unknown).then_some(Ok(Verdict::Back))
    }
});

liar!(LivesInItsProcess {
    fn recover(_: &RecoveryScope, health: Option<Health>, serialised: bool) -> Option<Result<()>> {
        undo_first_step(health);
        (serialised && health != Some(Health::Healthy)).then(|| Err(denied()))
    }
});

liar!(Toggles {
    fn recover(scope: &RecoveryScope, health: Option<Health>, serialised: bool) -> Option<Result<()>> {
        undo_first_step(health);
        let again = health == Some(Health::Healthy) && scope.injection() == Injection::Returned;
        (again && serialised).then(|| {
            World::set(0, Health::Unknown);
            Ok(())
        })
    }
});

liar!(Locks {
    fn recover(_: &RecoveryScope, health: Option<Health>, _: bool) -> Option<Result<()>> {
        undo_first_step(health);
        None
    }

    const LOCKS: bool = true;
});

liar!(NeedsTheTarget {
    fn recover(_: &RecoveryScope, health: Option<Health>, _: bool) -> Option<Result<()>> {
        undo_first_step(health);
        health.is_none().then(|| Err(denied()))
    }

    fn verify(_: &RecoveryScope, health: Option<Health>) -> Option<Result<Verdict>> {
        health.is_none().then(|| Err(denied()))
    }
});

liar!(AlwaysSaysBack {
    fn recover(_: &RecoveryScope, health: Option<Health>, _: bool) -> Option<Result<()>> {
        undo_first_step(health);
        None
    }

    fn verify(_: &RecoveryScope, _: Option<Health>) -> Option<Result<Verdict>> {
        Some(Ok(Verdict::Back))
    }
});

liar!(MendsWhileItVerifies {
    fn recover(_: &RecoveryScope, health: Option<Health>, _: bool) -> Option<Result<()>> {
        undo_first_step(health);
        None
    }

    fn verify(_: &RecoveryScope, health: Option<Health>) -> Option<Result<Verdict>> {
        (health == Some(Health::Stopped)).then(|| {
            World::set(0, Health::Healthy);
            Ok(Verdict::NotYet("it was stopped".to_owned()))
        })
    }
});

liar!(TakesAnyOfTheName {
    fn recover(_: &RecoveryScope, health: Option<Health>, _: bool) -> Option<Result<()>> {
        undo_first_step(health);
        None
    }

    const TAKES_ANY: bool = true;
});

#[tokio::test(start_paused = true)]
async fn the_recovery_of_the_core_passes() {
    let report =
        contract::recovery::check::<PowerOn>(&paused(), PowerOff::default(), async || subject()).await;
    report.assert_kept();
    assert_eq!(report.not_applicable(), 0, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_is_too_short_is_said_and_not_guessed_around() {
    let short = PowerOff::lasting(Hold::lasting(Duration::from_millis(1)).unwrap());
    let report = contract::recovery::check::<PowerOn>(&paused(), short, async || subject()).await;
    let too_short =
        report.violations().filter(|(_, why)| why.contains("give the event a longer one")).count();
    assert!(too_short > 0, "{report}");
}

#[tokio::test(start_paused = true)]
async fn every_check_sees_its_liar() {
    let mut coverage = Coverage::of_sound(&check::<Sound>().await);
    coverage.caught("bad kind", &check::<BadKind>().await, &["its kind names a format"]);
    coverage.caught("says nothing", &check::<SaysNothing>().await, &[BY_HAND]);
    coverage.caught("says it in colours", &check::<SaysItInColours>().await, &[BY_HAND]);
    coverage.caught("needs an injection", &check::<NeedsAnInjection>().await, &[NEVER_BEGAN]);
    // The recovery that runs is the one that was read back, even in the process that injected, so it fails there too.
    let damages = [READS_BACK, BY_HAND, NEVER_BEGAN, DID_NOTHING, HALF_WAY];
    coverage.caught("damages what is well", &check::<DamagesWhatIsWell>().await, &damages);
    coverage.caught("knows one step", &check::<KnowsOneStep>().await, &[HALF_WAY]);
    coverage.caught("believes errors", &check::<BelievesErrors>().await, &[HALF_WAY, REPLY_LOST]);
    coverage.caught(
        "lives in its process",
        &check::<LivesInItsProcess>().await,
        &[HALF_WAY, REPLY_LOST, JOURNAL_ALONE, TWICE, DROPPED, ANOTHER, SEES, CHANGES_NOTHING],
    );
    coverage.caught("toggles", &check::<Toggles>().await, &[REPLY_LOST, JOURNAL_ALONE, TWICE, DROPPED]);
    coverage.caught("locks", &check::<Locks>().await, &[DROPPED]);
    coverage.caught("needs the target", &check::<NeedsTheTarget>().await, &[GONE, ANOTHER]);
    coverage.caught("takes any of the name", &check::<TakesAnyOfTheName>().await, &[ANOTHER]);
    coverage.caught("always says back", &check::<AlwaysSaysBack>().await, &[SEES]);
    coverage.caught("mends while it verifies", &check::<MendsWhileItVerifies>().await, &[CHANGES_NOTHING]);

    let another_recovery =
        contract::recovery::check::<Liar<Sound>>(&paused(), PowerOff::default(), async || subject()).await;
    coverage.caught_among_others("another recovery", &another_recovery, &["it reads back as it was written"]);
    coverage.assert_complete();
}
