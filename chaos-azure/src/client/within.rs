use std::{future::Future, pin::pin, time::Duration};

use chaos_core::{Error, ErrorKind, Result, clock::Clock};
use futures_util::future::{Either, select};

/// Runs `work` for at most `limit`. After that, it is dropped, and the error names it.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    what: &'static str,
    work: impl Future<Output = T> + Send,
) -> Result<T> {
    match select(pin!(work), clock.sleep(limit)).await {
        Either::Left((done, _)) => Ok(done),
        Either::Right(((), _)) => {
            Err(Error::new(ErrorKind::Timeout, what).with("limit", format_args!("{limit:?}")))
        }
    }
}
