//! The contract of a [`Journal`].

mod arming;
mod dues;
mod durability;
mod entries;
mod marks;
mod queries;

use chaos_core::{Journal, Result};

use crate::{
    ContractReport, Timing,
    report::{Suite, not_applicable},
};

/// Checks a journal that lives as long as its handle, such as an in-memory one.
///
/// `fresh` opens an empty journal, once for each check, and returns it together with a value that must live as long,
/// such as a temporary directory, a container, or `()`.
///
/// Every rule in the documentation of [`Journal`] and [`Limits`](chaos_core::journal::Limits) is checked: each limit,
/// concurrent arming, every pair of states, what a mark carries, every filter, leases, the halt, what came of dues,
/// what may be forgotten, and values that break careless storage.
///
/// Cancel safe: it changes only the journals that `fresh` opens.
///
/// ```
/// use chaos_core::MemoryJournal;
/// use chaos_testkit::{Timing, contract};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let report = contract::journal::check(&Timing::default(), async || Ok((MemoryJournal::new(), ()))).await;
/// report.assert_kept();
/// # }
/// ```
pub async fn check<J: Journal, P>(
    timing: &Timing,
    fresh: impl AsyncFn() -> Result<(J, P)>,
) -> ContractReport {
    let mut suite = common(timing, &fresh).await;
    for name in durability::NAMES {
        suite.check(name, async { not_applicable("the fixture does not reopen journals") }).await;
    }
    suite.report()
}

/// Checks a journal that outlives its handles, such as one in a file or a database: everything that [`check`] checks,
/// and that another handle over the same place sees and respects the same.
///
/// `reopen` opens the journal of `fresh` once more, from the value that `fresh` returned besides the journal.
///
/// Cancel safe as [`check`].
///
/// ```
/// use chaos_core::MemoryJournal;
/// use chaos_testkit::{Timing, contract};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // Clones of an in-memory journal share their contents, so a clone is a handle of its own.
/// let fresh = async || {
///     let journal = MemoryJournal::new();
///     Ok((journal.clone(), journal))
/// };
/// let reopen = async |place: &MemoryJournal| Ok(place.clone());
/// contract::journal::check_durable(&Timing::default(), fresh, reopen).await.assert_kept();
/// # }
/// ```
pub async fn check_durable<J: Journal, P>(
    timing: &Timing,
    fresh: impl AsyncFn() -> Result<(J, P)>,
    reopen: impl AsyncFn(&P) -> Result<J>,
) -> ContractReport {
    let mut suite = common(timing, &fresh).await;
    durability::check(&mut suite, &fresh, &reopen).await;
    suite.report()
}

async fn common<'a, J: Journal, P>(
    timing: &'a Timing,
    fresh: &impl AsyncFn() -> Result<(J, P)>,
) -> Suite<'a> {
    let mut suite = Suite::new("journal", timing);
    arming::check(&mut suite, fresh).await;
    marks::check(&mut suite, fresh).await;
    queries::check(&mut suite, fresh).await;
    dues::check(&mut suite, fresh).await;
    suite
}
