use std::{fmt, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Activity, Intended};
use crate::error::Result;

/// Is told about every activity, and may forbid an injection.
///
/// ```
/// use chaos_core::{
///     Error, ErrorKind, MemoryJournal, Monkey, Observer, Outcome, Registry, Result, async_trait,
///     observer::{Activity, Intended},
///     testing::{MemoryProvider, PowerOff, PowerOn},
/// };
/// # use chaos_core::testing::ManualClock;
/// use jiff::Timestamp;
///
/// /// Prints what happens, and stands in front of the databases.
/// #[derive(Debug)]
/// struct OnCall;
///
/// #[async_trait]
/// impl Observer for OnCall {
///     fn observe(&self, at: Timestamp, activity: &Activity) {
///         println!("{at}: {activity}");
///     }
///
///     async fn before_injection(&self, _: Timestamp, intended: &Intended) -> Result<()> {
///         if intended.target.group().path().starts_with("db") {
///             return Err(Error::new(ErrorKind::Refused, "not while I am on call"));
///         }
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<()> {
/// let monkey = Monkey::builder()
///     .provider(MemoryProvider::default().with_group("db", 5)?)
///     .event(PowerOff::default())
///     .observer(OnCall)
/// #   .clock(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()))
///     .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
///     .build()?;
/// let report = monkey.run_once().await?;
/// assert_eq!(report.outcome(), Outcome::Skipped);
/// assert!(report.to_string().contains("not announced (observer=\"1 of 1\"): not while I am on call"));
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Receives every [`Activity`] as it happens, and in order for each fault. It happened at `at`.
    ///
    /// The task that takes care of the fault calls it, so it must return at once and pass slow work to another task. A
    /// panic in it is contained, and the target is recovered all the same.
    fn observe(&self, at: Timestamp, activity: &Activity);

    /// `intended` is about to be injected, at `at`. An error forbids it: nothing is armed, the target is left alone,
    /// and the report says why. A panic also forbids it, and so does an answer that takes more than 30 seconds.
    /// Default: allows everything.
    ///
    /// All observers are asked concurrently before each injection of a run and of
    /// [`Monkey::inject`](crate::monkey::Monkey::inject), and never before a recovery. The time that this takes does
    /// not shorten the fault, whose deadline counts from its arming. Afterwards there is one more look at the target.
    /// That look, the journal or another observer may still forbid the injection: then [`Activity::Skipped`] follows.
    /// Otherwise [`Activity::Armed`] follows.
    ///
    /// The call is dropped if the run is cut short, or if its time is up.
    async fn before_injection(&self, at: Timestamp, intended: &Intended) -> Result<()> {
        let _ = (at, intended);
        Ok(())
    }
}

macro_rules! passed_on_by {
    ($($pointer:ident),*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<O: Observer + ?Sized> Observer for $pointer<O> {
            fn observe(&self, at: Timestamp, activity: &Activity) {
                (**self).observe(at, activity);
            }

            async fn before_injection(&self, at: Timestamp, intended: &Intended) -> Result<()> {
                (**self).before_injection(at, intended).await
            }
        }
    )*};
}

passed_on_by!(Arc, Box);

/// Writes activities to `tracing`: the default observer. Doubts and retries are warnings. A failed recovery, and a
/// journal that fails during a fault, are events at error level with any set of observers.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TracingObserver;

impl Observer for TracingObserver {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        match activity {
            // `Observers::tell` logs these two itself, with any set of observers.
            Activity::RecoveryFailed { .. } | Activity::JournalFailed { .. } => {}
            Activity::InjectionFailed { fault, failure } => {
                tracing::warn!(fault = %fault.id, %failure, "the injection failed; recovering anyway");
            }
            Activity::RecoveryRetried { fault, attempt, failure, wait, .. } => {
                tracing::warn!(fault = %fault.id, attempt, %failure, ?wait, "the target is not back yet; trying again");
            }
            Activity::TakenOver { .. } | Activity::PatternsUnmatched { .. } => tracing::warn!("{activity}"),
            Activity::Skipped { target, reason, .. } => tracing::warn!(%target, %reason, "skipped"),
            Activity::RunFailed { failure, .. } => {
                tracing::error!(%failure, "the run could not be carried out")
            }
            Activity::Halted { reason } => tracing::warn!(%reason, "halted"),
            other => tracing::info!("{other}"),
        }
    }
}
