//! The contract of a [`Provider`](chaos_core::Provider) in adversity: refusals, truncated answers, duplicates, endless
//! listings, and another target of the same name.

mod another_of_its_name;
mod cut_answers;
mod held;
mod listings;
mod refusals;
mod scene;
mod trouble;

use chaos_core::Result;

pub use trouble::{Adversity, Cut, Happens};

use crate::{ContractReport, Timing, report::Suite};

/// Checks how a provider and its targets cope with a platform that answers badly:
///
/// - temporary refusals keep no fault from being recovered, and nothing is injected meanwhile;
/// - a truncated answer is an error, never a shorter list, and never a target that is gone or well;
/// - a group that is listed twice is a doubt, and an endless listing is an error, after at most 3,000 questions;
/// - the recovery of a target leaves a later target of the same name alone, in this process and in another one.
///
/// `fresh` makes a world for each check. **Its target is stopped, started and replaced for real**, by
/// [`PowerOff`](chaos_core::testing::PowerOff), which needs a lifecycle that stops and starts.
///
/// Each kind of refusal takes a few faults, and each question of a listing or a look is asked 20 times, so keep the
/// retry delays of your clients short.
///
/// Not cancel safe: dropping the future cuts a fault short, whose recovery then goes on in a task of its own.
///
/// ```
/// use std::sync::Arc;
/// use chaos_core::{
///     Provider, Result, TargetId, async_trait,
///     testing::{ManualClock, MemoryProvider},
/// };
/// use chaos_testkit::{Timing, contract::adversity::{self, Adversity, Cut, Happens}};
///
/// /// There is no platform between in-memory machines and their provider.
/// struct InMemory(MemoryProvider, TargetId);
///
/// const NOBODY: &str = "nothing stands between it and its machines";
///
/// #[async_trait]
/// impl Adversity for InMemory {
///     async fn provider(&self) -> Result<Arc<dyn Provider>> {
///         Ok(Arc::new(self.0.clone()))
///     }
///
///     fn target(&self) -> &TargetId {
///         &self.1
///     }
///
///     fn refusals(&self) -> Vec<&'static str> {
///         vec!["refused"]
///     }
///
///     async fn refuse(&self, _: &str) -> Result<Happens> {
///         Ok(Happens::never(NOBODY))
///     }
///
///     async fn cut(&self, _: Cut) -> Result<Happens> {
///         Ok(Happens::never(NOBODY))
///     }
///
///     async fn list_twice(&self) -> Result<Happens> {
///         Ok(Happens::never("its groups are a map"))
///     }
///
///     async fn never_end(&self) -> Result<Happens> {
///         Ok(Happens::never("its groups are a map"))
///     }
///
///     async fn replace_target(&self) -> Result<Happens> {
///         self.0.make_anew(&self.1)?;
///         Ok(Happens::Now)
///     }
///
///     async fn heal(&self) -> Result<()> {
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let timing = Timing::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
/// let report = adversity::check(&timing, async || {
///     let world = MemoryProvider::default().with_fixed_group("web", 3)?;
///     Ok(InMemory(world, "memory:web/machine-0".parse()?))
/// })
/// .await;
/// report.assert_kept();
/// assert_eq!((report.passed(), report.not_applicable()), (2, 8), "{report}");
/// # }
/// ```
pub async fn check<A: Adversity>(timing: &Timing, fresh: impl AsyncFn() -> Result<A>) -> ContractReport {
    let mut suite = Suite::new("provider in adversity", timing);
    refusals::check(&mut suite, &fresh).await;
    cut_answers::check(&mut suite, &fresh).await;
    listings::check(&mut suite, &fresh).await;
    another_of_its_name::check(&mut suite, &fresh).await;
    suite.report()
}
