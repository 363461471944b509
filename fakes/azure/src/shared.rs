use std::sync::{Mutex, MutexGuard, PoisonError};

use chaos_core::clock::{Clock, SystemClock};

use super::{cloud::Cloud, recorded::Recorded};

/// The state that the server shares with the caller that drives the fake.
#[derive(Debug)]
pub(crate) struct Shared {
    cloud: Mutex<Cloud>,
    requests: Mutex<Vec<Recorded>>,
}

impl Shared {
    pub(crate) fn new(cloud: Cloud) -> Self {
        Self { cloud: Mutex::new(cloud), requests: Mutex::default() }
    }

    /// The state as it is now.
    pub(crate) fn cloud(&self) -> MutexGuard<'_, Cloud> {
        let mut cloud = self.cloud.lock().unwrap_or_else(PoisonError::into_inner);
        cloud.advance(SystemClock::default().now());
        cloud
    }

    pub(crate) fn requests(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
