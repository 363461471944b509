//! The contract of a [`ChaosEvent`].

mod cases;
mod look;
mod use_of;

use std::sync::Arc;

use chaos_core::{ChaosEvent, Registry, Result};

use crate::{ContractReport, Subject, Timing, report::Suite};

/// Checks a chaos event: that its preparation only looks, that its recovery can be read back, that it brings the target
/// back, that it uses exactly the capabilities that it requires, and that it leaves unsuitable targets alone.
///
/// `fresh` provides a healthy target for each check. **The event is injected for real**, with its own hold, so give it
/// a short one. [`contract::recovery`](crate::contract::recovery) checks how its recovery copes with failed injections.
///
/// The suite sees damage beyond the health and the incarnation of the group's members only if you give it a
/// [fingerprint](Subject::fingerprint), which it compares around a preparation and after a recovery.
///
/// A [`Hold`](chaos_core::Hold) cannot be longer than 12 hours, so that needs no check.
///
/// Not cancel safe: dropping the future cuts a fault short, whose recovery then goes on in a task of its own.
///
/// ```
/// use std::time::Duration;
/// use chaos_core::{
///     Hold, Registry,
///     testing::{ManualClock, MemoryProvider, PowerOff, PowerOn},
/// };
/// use chaos_testkit::{Subject, Timing, contract};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> chaos_core::Result<()> {
/// let timing = Timing::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
/// let event = PowerOff::lasting(Hold::lasting(Duration::from_millis(200))?);
/// let registry = Registry::default().register::<PowerOn>();
/// let report = contract::event::check(&timing, event, registry, async || {
///     let world = MemoryProvider::default().with_group("web", 3)?;
///     Ok(Subject::new(world, "memory:web/machine-0".parse()?))
/// })
/// .await;
/// report.assert_kept();
/// # Ok(())
/// # }
/// ```
pub async fn check(
    timing: &Timing,
    event: impl ChaosEvent,
    registry: Registry,
    fresh: impl AsyncFn() -> Result<Subject>,
) -> ContractReport {
    let mut suite = Suite::new("chaos event", timing);
    let event: Arc<dyn ChaosEvent> = Arc::new(event);
    cases::check(&mut suite, &event, &registry, &fresh).await;
    suite.report()
}
