//! Contains foreign code: panics become errors, and time is limited.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::pin,
    time::Duration,
};

use futures_util::FutureExt;
use tracing::Span;

use crate::{
    clock::Clock,
    error::{Error, ErrorKind, Result},
};

/// Runs `work`, and turns a panic in it into an error of kind `Panicked`.
pub(crate) async fn contained<T>(what: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
        Err(Error::new(ErrorKind::Panicked, format!("{what} panicked"))
            .with("message", message(panic.as_ref())))
    })
}

/// Runs `work` for at most `limit`, then gives up on it with an error of kind `Timeout`.
pub(crate) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    what: &'static str,
    work: impl Future<Output = T>,
) -> Result<T> {
    tokio::select! {
        biased;
        done = work => Ok(done),
        () = clock.sleep(limit) => {
            Err(Error::new(ErrorKind::Timeout, format!("{what} took too \
                long")).with("limit", format_args!("{limit:?}")))
        }
    }
}

/// Does `work` in `span`. Unlike `tracing`'s own `Instrument`, it does not enter the span again when the work is
/// dropped, because a panicking subscriber could not be contained there.
pub(crate) async fn in_span<T>(span: Span, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        let _entered = span.enter();
        work.as_mut().poll(context)
    })
    .await
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}
