use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chaos_core::{Provider, Result};

use crate::{
    faulty::{Altered, Faulty, Interference, TargetCall},
    probe::held,
};

/// Every order that targets were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders(Arc<Given>);

#[derive(Debug, Default)]
struct Given(Mutex<Vec<TargetCall>>);

impl Orders {
    /// The provider, whose targets' orders are written down.
    pub(super) fn to_targets_of<P: Provider>(&self, provider: P) -> Altered<P> {
        let given = Arc::clone(&self.0);
        Altered::new(provider).targets(move |target| Arc::new(Faulty::new(target, Arc::clone(&given))))
    }

    pub(super) fn given(&self) -> Vec<TargetCall> {
        held(&self.0.0).clone()
    }

    pub(super) fn forget(&self) {
        held(&self.0.0).clear();
    }
}

#[async_trait]
impl Interference<TargetCall> for Given {
    /// Also where the order is refused afterwards: it was given all the same.
    async fn before(&self, call: TargetCall) -> Result<()> {
        use TargetCall::{Reboot, Start, Stop, Terminate};
        if matches!(call, Terminate | Stop | Start | Reboot) {
            held(&self.0).push(call);
        }
        Ok(())
    }
}
