use std::{sync::Arc, time::Duration};

use chaos_core::clock::Clock;

use super::trouble::{Trouble, TroubleKind};
use crate::substitution::Names;

/// Carries out `work`, and drops it if it takes longer than its limit.
pub(crate) async fn limited<T>(
    limit: Option<Duration>,
    clock: &Arc<dyn Clock>,
    names: &Names,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let Some(limit) = limit else { return work.await };
    tokio::select! {
        biased;
        ended = work => ended,
        () = clock.sleep(limit) => {
            Err(Trouble::new(TroubleKind::TimedOut, format_args!("took longer than {limit:?}"), names))
        }
    }
}
