//! The contract of a [`Provider`].

pub(in crate::contract) mod face;
mod listing;
mod replacement;

use chaos_core::{Provider, Result};

use crate::{ContractReport, Timing, report::Suite};

/// Checks a provider: its ids, its listing and its filters, that only members resolve, each to itself,
/// and that a group replaces a terminated member if, and only if, it declares so.
///
/// `fresh` makes a world with at least one group, and at least one healthy member in each. It is called once for
/// the checks that only look, and once for each kind of group in which a member is terminated. **One member of a group
/// that replaces its members and one of a group that does not are terminated for real**, if their lifecycle declares
/// it.
///
/// A group that does not replace its members is watched for [`Timing::quiet`].
///
/// Not cancel safe: dropping the future cuts a fault short, whose recovery then goes on in a task of its own.
///
/// ```
/// use chaos_core::testing::{ManualClock, MemoryProvider};
/// use chaos_testkit::{Timing, contract};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let timing = Timing::new(ManualClock::starting_at("2026-03-02T09:00:00Z".parse().unwrap()));
/// let report = contract::provider::check(&timing, async || {
///     MemoryProvider::default().with_group("web", 3)?.with_fixed_group("db", 2)
/// })
/// .await;
/// report.assert_kept();
/// # }
/// ```
pub async fn check<P: Provider>(timing: &Timing, fresh: impl AsyncFn() -> Result<P>) -> ContractReport {
    let mut suite = Suite::new("provider", timing);
    listing::check(&mut suite, &fresh).await;
    replacement::check(&mut suite, &fresh).await;
    suite.report()
}
