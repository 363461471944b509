//! Which orders targets are given.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chaos_core::{Error, ErrorKind, Provider, Result, Target};

use crate::{
    faulty::{Altered, Faulty, Interference, TargetCall},
    trial::held,
};

/// Every order that targets were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders(Arc<Given>);

#[derive(Debug, Default)]
struct Given {
    orders: Mutex<Vec<TargetCall>>,
    are_refused: bool,
}

impl Orders {
    /// The orders of targets that carry out none.
    pub(super) fn refused() -> Self {
        Self(Arc::new(Given { are_refused: true, ..Given::default() }))
    }

    /// `provider`, with a record of the orders that its targets are given.
    pub(super) fn to_targets_of<P: Provider>(&self, provider: P) -> Altered<P> {
        let orders = self.clone();
        Altered::new(provider).targets(move |target| orders.to(target))
    }

    /// `target`, with a record of the orders that it is given.
    pub(super) fn to(&self, target: Arc<dyn Target>) -> Arc<dyn Target> {
        Arc::new(Faulty::new(target, Arc::clone(&self.0)))
    }

    pub(super) fn given(&self) -> Vec<TargetCall> {
        held(&self.0.orders).clone()
    }

    pub(super) fn forget(&self) {
        held(&self.0.orders).clear();
    }
}

#[async_trait]
impl Interference<TargetCall> for Given {
    /// Records the order, even if it is refused afterwards: it was given nevertheless.
    async fn before(&self, call: TargetCall) -> Result<()> {
        use TargetCall::{Apply, Reboot, Restore, Run, Start, StartRun, Stop, StopRun, Terminate};
        let is_order =
            matches!(call, Terminate | Stop | Start | Reboot | Run | Apply | Restore | StartRun | StopRun);
        if !is_order {
            return Ok(());
        }
        held(&self.orders).push(call);
        if self.are_refused {
            return Err(Error::new(ErrorKind::Refused, "this target is to be left alone"));
        }
        Ok(())
    }
}
