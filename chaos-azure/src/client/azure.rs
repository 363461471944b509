use std::sync::Arc;

use chaos_core::{Result, clock::Clock};

use crate::client::{
    arm::Arm, autoscale::Autoscale, compute::Compute, network::Network, permissions::Permissions,
    starts::Starts,
};

/// The clients of Azure, shared by all targets of a provider.
#[derive(Debug)]
pub(crate) struct Azure {
    pub(crate) arm: Arc<Arm>,
    pub(crate) compute: Compute,
    pub(crate) network: Network,
    pub(crate) autoscale: Autoscale,
    pub(crate) permissions: Permissions,
    pub(crate) starts: Starts,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Azure {
    pub(crate) fn new(arm: Arm, clock: Arc<dyn Clock>) -> Result<Self> {
        let arm = Arc::new(arm);
        Ok(Self {
            compute: Compute::new(Arc::clone(&arm))?,
            network: Network::new(Arc::clone(&arm)),
            autoscale: Autoscale::new(Arc::clone(&arm), Arc::clone(&clock)),
            permissions: Permissions::new(Arc::clone(&arm), Arc::clone(&clock)),
            starts: Starts::default(),
            arm,
            clock,
        })
    }
}
