//! One look of one probe.

use std::{sync::Arc, time::Duration};

use tokio_util::task::AbortOnDropHandle;

use super::{Probe, Reading, judgement::cut_to};
use crate::{
    clock::Clock,
    contain::{contained, within},
    error::{Error, ErrorKind, Failure, Result},
};

/// Errors are kept up to this length, in bytes.
const LONGEST_ERROR: usize = 2_048;

/// A look that ended, or that was given up.
#[derive(Debug)]
pub(super) struct Looked {
    /// When it began, by the monotonic clock.
    pub(super) began: Duration,
    pub(super) took: Duration,
    /// `Err` if nobody could look.
    pub(super) reading: Result<Reading, Failure>,
}

/// Looks once, for at most `limit`. The look is a task of its own, so one that blocks its thread does not block the
/// caller.
pub(super) async fn look(probe: &Arc<dyn Probe>, clock: &Arc<dyn Clock>, limit: Duration) -> Looked {
    let began = clock.monotonic();
    let (probe, its_clock) = (Arc::clone(probe), Arc::clone(clock));
    let looking = AbortOnDropHandle::new(tokio::spawn(async move {
        let reading = contained("the probe", async { probe.look(its_clock.as_ref()).await }).await;
        (reading, its_clock.monotonic())
    }));
    let (reading, ended) = match within(clock.as_ref(), limit, "the look", looking).await {
        Ok(Ok(looked)) => looked,
        Ok(Err(error)) => {
            let lost = Error::new(ErrorKind::Unavailable, "the look was lost").caused_by(error);
            (Err(lost), clock.monotonic())
        }
        Err(error) => (Err(error), clock.monotonic()),
    };
    Looked { began, took: ended.saturating_sub(began), reading: reading.map_err(|error| cut_short(&error)) }
}

/// An error of a probe may hold a whole answer of the system that it asked.
fn cut_short(error: &Error) -> Failure {
    let Failure { kind, message } = error.into();
    Failure::new(kind, cut_to(LONGEST_ERROR, &message))
}
