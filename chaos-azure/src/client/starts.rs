//! The accepted orders to start whose end has not been seen yet.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chaos_core::Error;

use crate::{
    client::arm::{Accepted, Arm, Standing},
    model::place::Place,
};

/// A recovery looks at the machine, and requests a start again while it is down. It must neither give a second order
/// while one is in progress, nor miss why one has failed.
#[derive(Debug, Default)]
pub(crate) struct Starts(Mutex<BTreeMap<Place, Start>>);

#[derive(Clone, Debug)]
struct Start {
    accepted: Accepted,
    /// The monotonic time before which Azure is not asked about it.
    not_before: Duration,
}

/// The known state of the last order for a machine.
#[derive(Debug)]
pub(crate) enum LastStart {
    /// There is none, or it is over, or its status is unknown.
    None,
    UnderWay,
    Failed(Error),
}

impl Starts {
    /// Keeps an order that is in progress.
    pub(crate) fn keep(&self, arm: &Arm, place: &Place, accepted: Accepted) {
        let asked = accepted.answer.retry_after().unwrap_or_default();
        let not_before = arm.clock().monotonic().saturating_add(asked);
        self.kept().insert(place.clone(), Start { accepted, not_before });
    }

    /// Asks at the pace that Azure has asked for.
    pub(crate) async fn last(&self, arm: &Arm, place: &Place) -> LastStart {
        let Some(start) = self.kept().get(place).cloned() else { return LastStart::None };
        if arm.clock().monotonic() < start.not_before {
            return LastStart::UnderWay;
        }
        match arm.standing(&start.accepted).await {
            Standing::UnderWay { ask_after } => {
                if let Some(start) = self.kept().get_mut(place) {
                    start.not_before = arm.clock().monotonic().saturating_add(ask_after);
                }
                LastStart::UnderWay
            }
            Standing::Failed(error) => {
                self.forget(place);
                LastStart::Failed(error)
            }
            Standing::Over | Standing::Unknown => {
                self.forget(place);
                LastStart::None
            }
        }
    }

    pub(crate) fn forget(&self, place: &Place) {
        self.kept().remove(place);
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<Place, Start>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
