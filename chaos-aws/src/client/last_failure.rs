//! The last failure of a call that timed out.

use std::error::Error as StdError;

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{FinalizerInterceptorContextMut, FinalizerInterceptorContextRef},
        },
        orchestrator::OrchestratorError,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

/// Keeps the last failure of the attempts of a call, and adds it if the call as a whole timed out, because the SDK
/// forgets it.
#[derive(Debug)]
pub(crate) struct KeepsLastFailure;

#[derive(Clone, Debug)]
struct LastFailure(String);

impl Storable for LastFailure {
    type Storer = StoreReplace<Self>;
}

/// A call that timed out.
#[derive(Debug, thiserror::Error)]
#[error("it took too long; the last attempt with an answer failed: {last}")]
struct TookTooLong {
    last: String,
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for KeepsLastFailure {
    fn name(&self) -> &'static str {
        "keeps the last failure"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // An attempt without an answer tells nothing about the reason.
        if let Some(Err(error)) = context.output_or_error()
            && !error.is_timeout_error()
        {
            let told = match error.as_operation_error() {
                Some(refused) => chain(refused),
                None => chain(error),
            };
            bag.interceptor_state().store_put(LastFailure(told));
        }
        Ok(())
    }

    fn modify_before_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(LastFailure(last)) = bag.load::<LastFailure>()
            && let Some(Err(error)) = context.output_or_error_mut()
            && error.is_timeout_error()
        {
            *error = OrchestratorError::timeout(Box::new(TookTooLong { last: last.clone() }));
        }
        Ok(())
    }
}

/// The text of an error and of its sources.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    chaos_core::text::escaped(&text).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
    use aws_smithy_runtime_api::client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::HttpRequest,
    };

    use super::*;

    /// Cuts every connection.
    #[derive(Clone, Debug)]
    struct Broken;

    impl HttpConnector for Broken {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            let error = std::io::Error::other("the cable is out");
            HttpConnectorFuture::ready(Err(aws_smithy_runtime_api::client::result::ConnectorError::io(
                error.into(),
            )))
        }
    }

    impl HttpClient for Broken {
        fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
            SharedHttpConnector::new(self.clone())
        }
    }

    #[tokio::test]
    async fn a_call_that_takes_too_long_says_what_went_wrong_before() {
        let waiting = RetryConfig::standard()
            .with_max_attempts(5)
            .with_initial_backoff(Duration::from_secs(600))
            .with_max_backoff(Duration::from_secs(600));
        let limit = TimeoutConfig::builder().operation_timeout(Duration::from_millis(300)).build();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .retry_config(waiting)
            .timeout_config(limit)
            .http_client(Broken)
            .build();
        let config = aws_sdk_ec2::config::Builder::from(&config).interceptor(KeepsLastFailure).build();
        let call = aws_sdk_ec2::Client::from_conf(config).describe_instances();
        let error = call.send().await.unwrap_err();
        let error = crate::client::error::failed("ec2:DescribeInstances", "eu-west-1", error);
        assert_eq!(error.kind(), chaos_core::ErrorKind::Timeout);
        assert!(error.chain().contains("the cable is out"), "{}", error.chain());
    }
}
