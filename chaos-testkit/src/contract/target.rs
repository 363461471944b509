//! The contract of a [`Target`](chaos_core::Target).

mod lifecycle;
mod settings;
mod shell;
mod sight;

use chaos_core::Result;

use crate::{ContractReport, Subject, Timing, report::Suite};

/// Checks a target: what it shows stays the same, each operation that it declares does what it says and may be
/// repeated, and each that it does not declare is `Unsupported` and changes nothing.
///
/// `fresh` is asked for a healthy target once for each check. **The targets are terminated, stopped, rebooted and cut
/// off for real.**
///
/// Whether the capabilities that a target declares are *all* that it could offer cannot be checked for `shell`,
/// `settings` and `engine`: what is not there cannot be called. What an `engine` does is for the contract of an
/// event to check that runs one: which there are, no suite can know.
///
/// Not cancel safe: dropping the future cuts a fault short, whose recovery then goes on in a task of its own.
///
/// ```
/// use chaos_core::testing::{ManualClock, MemoryProvider};
/// use chaos_testkit::{Subject, Timing, contract};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> chaos_core::Result<()> {
/// // `Timing::default()` for real time; here the clock is one that costs no time.
/// let timing = Timing::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
/// let report = contract::target::check(&timing, async || {
///     let world = MemoryProvider::default().with_group("web", 2)?;
///     Ok(Subject::new(world, "memory:web/machine-0".parse()?))
/// })
/// .await;
/// report.assert_kept();
/// # Ok(())
/// # }
/// ```
pub async fn check(timing: &Timing, fresh: impl AsyncFn() -> Result<Subject>) -> ContractReport {
    let mut suite = Suite::new("target", timing);
    sight::check(&mut suite, &fresh).await;
    lifecycle::check(&mut suite, &fresh).await;
    shell::check(&mut suite, &fresh).await;
    settings::check(&mut suite, &fresh).await;
    suite.report()
}
