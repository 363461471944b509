use std::time::Duration;

use async_trait::async_trait;
use chaos_core::{RecoveryScope, Result, Verdict};
use jiff::Timestamp;

/// One look at the progress of a recovery.
#[async_trait]
pub(crate) trait Look: Sync {
    async fn look(&self, scope: &RecoveryScope) -> Result<Verdict>;
}

/// Looks repeatedly until `look` no longer returns [`Verdict::NotYet`], or the scope's recovery budget is spent. Then
/// the verification tells what is missing.
///
/// The wait grows with the elapsed time, from 20 ms to 5 s, so a time measured by these looks is late by at most a
/// twentieth of itself.
pub(crate) async fn until_back(scope: &RecoveryScope, looker: &impl Look) -> Result<()> {
    let begun = scope.clock().now();
    while let Verdict::NotYet(_) = looker.look(scope).await? {
        let now = scope.clock().now();
        let wait = wait_after(elapsed(begun, now));
        if elapsed(now, scope.recover_by()) <= wait {
            break;
        }
        scope.clock().sleep(wait).await;
    }
    Ok(())
}

fn wait_after(elapsed: Duration) -> Duration {
    (elapsed / 20).clamp(Duration::from_millis(20), Duration::from_secs(5))
}

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_timed_is_late_by_at_most_a_twentieth() {
        assert_eq!(wait_after(Duration::ZERO), Duration::from_millis(20));
        assert_eq!(wait_after(Duration::from_secs(10)), Duration::from_millis(500));
        assert_eq!(wait_after(Duration::from_secs(3600)), Duration::from_secs(5));
    }
}
