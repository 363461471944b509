//! Forgets what is over, a bounded batch at a time.

use std::time::Duration;

use chaos_core::{
    Result,
    journal::{Forget, Forgotten},
};
use jiff::{Timestamp, tz::TimeZone};

use super::queries::Queries;

/// The most faults and the most dues of one transaction: a fraction of a second for a slow disk. An arming waits no
/// longer.
const MOST: usize = 200;

/// One batch, within a transaction.
pub(super) async fn forget(queries: &mut Queries<'_>, forget: &Forget) -> Result<Forgotten> {
    let longest = queries.longest_cool_down().await?;
    let longest = u64::try_from(longest).map_or(Duration::MAX, Duration::from_nanos);
    let cooled_down = forget.now.checked_sub(longest).unwrap_or(Timestamp::MIN);
    let faults = queries.forgettable(forget.before, cooled_down, MOST).await?;
    for (fault, due) in &faults {
        // Without its faults, the due must still be told.
        if let Some(due) = due
            && let Some(told) = queries.due(due, false).await?
        {
            queries.write_due(&told).await?;
        }
        queries.delete(*fault).await?;
    }
    let day = forget.before.to_zoned(TimeZone::UTC).date();
    let dues = queries.forget_dues(forget.before, day, MOST).await?;
    Ok(Forgotten::new(faults.len(), dues, faults.len() < MOST && dues < MOST))
}
