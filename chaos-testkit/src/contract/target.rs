//! The contract of a [`Target`](chaos_core::Target).

mod lifecycle;
mod settings;
mod shell;
mod sight;

use chaos_core::Result;

use crate::{ContractReport, Subject, Timing, report::Suite};

/// Checks a target: its appearance stays the same, each operation that it declares works and may be repeated, and each
/// operation that it does not declare is `Unsupported` and changes nothing.
///
/// `fresh` provides a healthy target for each check. **The targets are terminated, stopped, rebooted and cut off for
/// real.**
///
/// For `shell`, `settings` and `engine`, the suite cannot check whether a target declares *all* capabilities that it
/// could offer: an absent capability cannot be called. Nor does it check the work of an `engine`, because no suite
/// knows its experiments. The contract of an event that runs one does.
///
/// Not cancel safe: dropping the future cuts a fault short, whose recovery then goes on in a task of its own.
///
/// ```
/// use chaos_core::testing::{ManualClock, MemoryProvider};
/// use chaos_testkit::{Subject, Timing, contract};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> chaos_core::Result<()> {
/// // `Timing::default()` for real time; this clock costs no time.
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
