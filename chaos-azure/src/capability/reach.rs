use std::sync::Arc;

use chaos_core::{Error, ErrorKind, Result};

use crate::{
    client::azure::Azure,
    model::{machine::Machine, place::Place},
};

/// The means by which the capabilities of a machine reach it.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    pub(crate) azure: Arc<Azure>,
    pub(crate) place: Arc<Place>,
}

impl Reach {
    pub(crate) fn named(&self, error: Error) -> Error {
        error.with("machine", &self.place)
    }

    /// The current state of the machine; `None` if it does not exist.
    pub(crate) async fn look(&self) -> Result<Option<Machine>> {
        self.azure.compute.machine(&self.place).await.map_err(|error| self.named(error))
    }

    /// # Errors
    /// As [`look`](Self::look), and `NotFound` if it does not exist.
    pub(crate) async fn find(&self) -> Result<Machine> {
        self.look()
            .await?
            .ok_or_else(|| self.named(Error::new(ErrorKind::NotFound, "the machine no longer exists")))
    }
}
