use chaos_core::{Error, Result};
use serde_json::Value;

#[cfg(any(feature = "aws", feature = "azure"))]
use super::function::Cloud;
use super::{Call, function::Operation};

impl Call {
    /// Carries out what is no event.
    ///
    /// # Errors
    /// If it cannot be done or seen.
    pub(crate) async fn carry_out(&self) -> Result<Value> {
        match self.function.operation {
            #[cfg(feature = "aws")]
            Operation::Aws(call) => super::aws::carry_out(call, self).await,
            #[cfg(feature = "aws")]
            Operation::Start(Cloud::Aws) => super::aws::start(self).await,
            #[cfg(feature = "azure")]
            Operation::Azure(call) => super::azure::carry_out(call, self).await,
            #[cfg(feature = "azure")]
            Operation::Start(Cloud::Azure) => super::azure::start(self).await,
            Operation::Inject(..) => {
                let name = self.function.full_name();
                Err(Error::unsupported("an event belongs into the method").with("function", name))
            }
            #[cfg(not(all(feature = "aws", feature = "azure")))]
            _ => Err(self.lacks_feature()),
        }
    }
}
