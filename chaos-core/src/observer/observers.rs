use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{Activity, Intended, Observer};
use crate::{
    clock::Clock,
    contain::{contained, within},
    error::{Error, ErrorKind, Result},
    fault::Fault,
};

/// Every observer of a monkey.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observers(Arc<[Arc<dyn Observer>]>);

impl Observers {
    pub(crate) fn new(observers: Vec<Arc<dyn Observer>>) -> Self {
        Self(observers.into())
    }

    pub(crate) fn tell(&self, at: Timestamp, activity: Activity) {
        // A panic in here, also in a `tracing` subscriber, must not end the task that recovers a target.
        let _ = catch_unwind(AssertUnwindSafe(|| match &activity {
            Activity::RecoveryFailed { fault, failure, by_hand } => {
                let (Fault { id, target, .. }, by_hand) = (fault.as_ref(), by_hand.as_deref());
                tracing::error!(fault = %id, %target, %failure, by_hand, "RECOVERY FAILED: the target is not back");
            }
            Activity::JournalFailed { fault, failure } => {
                tracing::error!(fault = %fault.id, %failure, "the journal failed while a fault was in progress");
            }
            _ => {}
        }));
        for observer in self.0.iter() {
            if catch_unwind(AssertUnwindSafe(|| observer.observe(at, &activity))).is_err() {
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    tracing::error!(?observer, ?activity, "an observer panicked");
                }));
            }
        }
    }

    /// Asks all observers concurrently, for at most `limit`. An observer that does not allow the injection forbids it.
    pub(crate) async fn ask(&self, clock: &dyn Clock, limit: Duration, intended: &Intended) -> Result<()> {
        let at = clock.now();
        let answers = join_all(self.0.iter().map(|observer| {
            let asking = contained("an observer", async { observer.before_injection(at, intended).await });
            within(clock, limit, "an observer", asking)
        }));
        for (index, answer) in answers.await.into_iter().enumerate() {
            answer.and_then(|answer| answer).map_err(|error| {
                let number = format_args!("{} of {}", index + 1, self.0.len()).to_string();
                Error::new(kind(&error), "not announced").with("observer", number).caused_by(error)
            })?;
        }
        Ok(())
    }
}

/// As a doubt, an error of one of these kinds would say that the target cannot bear the fault.
fn kind(error: &Error) -> ErrorKind {
    match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::Refused | ErrorKind::Unsupported => ErrorKind::Other,
        kind => kind,
    }
}
