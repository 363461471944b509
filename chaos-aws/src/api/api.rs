use std::sync::Arc;

use aws_sdk_autoscaling::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use chaos_core::Error;

use crate::client::{error::failed, regions::Region};

/// Single calls of AWS in one region, made by [`AutoScaling::api`](crate::AutoScaling::api).
///
/// An answer is JSON, with the names of the API. It has the fields that describe a resource and its state, not all of
/// them. Times are seconds since 1970. A field that the service leaves out is left out.
///
/// Every list is read to its end, or the call fails. The errors are those of [the crate](crate#errors).
#[derive(Clone, Debug)]
pub struct Api {
    pub(super) region: Arc<Region>,
}

impl Api {
    pub(crate) fn of(region: Arc<Region>) -> Self {
        Self { region }
    }

    /// The name of the region.
    pub fn region(&self) -> &str {
        self.region.name()
    }

    pub(super) fn failed<E>(&self, action: &'static str, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        failed(action, self.region.name(), error)
    }
}
