//! State that outlives a handle.

use std::sync::Arc;

use chaos_core::{
    Journal, Result,
    fault::FaultState,
    journal::{Halt, Limits},
    plan::Reason,
};

use super::{
    arming::concurrently,
    dues::{keep_some, kept_by},
    entries::{HOSTILE, all, arm, arm_as, fault, instant, refuse},
    queries::orphans_become,
};
use crate::report::{Suite, ensure};

const READS_BACK: &str = "another handle reads everything back";
const RESPECTS: &str = "another handle respects limits and leases";
const CONCURRENTLY: &str = "arming over several handles never exceeds a limit";

pub(super) const NAMES: [&str; 3] = [READS_BACK, RESPECTS, CONCURRENTLY];

pub(super) async fn check<J: Journal, P>(
    suite: &mut Suite<'_>,
    fresh: &impl AsyncFn() -> Result<(J, P)>,
    reopen: &impl AsyncFn(&P) -> Result<J>,
) {
    let timing = suite.timing;
    suite
        .check(READS_BACK, async {
            let (journal, place) = fresh().await?;
            let mut leases = Vec::new();
            for (number, state) in FaultState::ALL.into_iter().enumerate() {
                let mut fault = fault(number as u64, &format!("memory:{HOSTILE}/machine-{number}"))?;
                fault.event = HOSTILE.to_owned();
                leases.push(arm_as(&journal, &fault, state).await?.1);
            }
            journal.set_halt(Some(Halt::new(HOSTILE, instant(1)))).await?;
            let (found, pending, halt) =
                (all(&journal).await?, journal.pending().await?.faults, journal.halt().await?);
            let kept = keep_some(&journal).await?;
            drop((leases, journal));

            let again = reopen(&place).await?;
            let (found_again, halt_again) = (all(&again).await?, again.halt().await?);
            ensure!(found_again == found, "{found:?} was reopened as {found_again:?}");
            ensure!(halt_again == halt, "{halt:?} was reopened as {halt_again:?}");
            let kept_again = kept_by(&again).await?;
            ensure!(kept_again == kept, "{kept:?} was reopened as {kept_again:?}");
            orphans_become(timing, &again, &pending).await
        })
        .await;
    suite
        .check(RESPECTS, async {
            let (journal, place) = fresh().await?;
            let other = reopen(&place).await?;
            let held = fault(1, "memory:web/machine-1")?;
            let lease = arm(&journal, &held).await?;
            let orphans = other.orphans(jiff::Timestamp::UNIX_EPOCH).await?.faults;
            ensure!(orphans.is_empty(), "a living handle holds what another one calls orphans: {orphans:?}");
            let second = fault(2, "memory:web/machine-2")?;
            let limits = Limits::none().group_active(1);
            refuse(&other, &second, &limits, Reason::group_limit(1, 1)).await?;
            // A lease outlives its journal. Only when both are gone must all handles know.
            drop(journal);
            let orphans = other.orphans(jiff::Timestamp::UNIX_EPOCH).await?.faults;
            ensure!(
                orphans.is_empty(),
                "a living lease holds what another handle calls orphans: {orphans:?}"
            );
            drop(lease);
            orphans_become(timing, &other, &[held]).await
        })
        .await;
    suite
        .check(CONCURRENTLY, async {
            let (journal, place) = fresh().await?;
            let other = reopen(&place).await?;
            concurrently(&[Arc::new(journal), Arc::new(other)]).await
        })
        .await;
}
