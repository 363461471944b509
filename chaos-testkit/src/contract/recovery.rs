//! The contract of a [`Recovery`].

mod another;
mod cases;
mod paused;
pub(in crate::contract) mod rig;
mod variants;

use std::sync::Arc;

use chaos_core::{ChaosEvent, Recovery, Result};

use crate::{ContractReport, Subject, Timing, report::Suite};

/// Checks the recovery `R` of `event`: that it is right whatever happened to the injection, that it may be repeated and
/// dropped, that another monkey can replay it from the journal alone, and that its verification looks and sees.
///
/// `fresh` provides a healthy target for each check. **The event is injected for real.** Give it a hold that
/// is longer than the whole suite takes, such as a minute on real targets. Each hold is cut short as soon as the suite
/// has looked. A hold that ends before that is a violation.
///
/// If the target's lifecycle declares `terminate`, one target is **terminated** as well, because a recovery must cope
/// with that.
///
/// Not cancel safe: dropping the future cuts a fault short, whose recovery then goes on in a task of its own.
///
/// ```
/// use chaos_core::testing::{ManualClock, MemoryProvider, PowerOff, PowerOn};
/// use chaos_testkit::{Subject, Timing, contract};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let timing = Timing::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
/// let report = contract::recovery::check::<PowerOn>(&timing, PowerOff::default(), async || {
///     let world = MemoryProvider::default().with_group("web", 3)?;
///     Ok(Subject::new(world, "memory:web/machine-0".parse()?))
/// })
/// .await;
/// report.assert_kept();
/// # }
/// ```
pub async fn check<R: Recovery>(
    timing: &Timing,
    event: impl ChaosEvent,
    fresh: impl AsyncFn() -> Result<Subject>,
) -> ContractReport {
    let mut suite = Suite::new("recovery", timing);
    let event: Arc<dyn ChaosEvent> = Arc::new(event);
    cases::check::<R>(&mut suite, &event, &fresh).await;
    suite.report()
}
