//! Refusals of the API, with texts that a person can act upon.

use aws_credential_types::provider::{
    ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future,
};
use chaos_core::ErrorKind;
use serde_json::json;

use crate::cloud::{Cloud, list};

#[tokio::test(flavor = "multi_thread")]
async fn refusals_say_what_to_do() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let provider = cloud.provider().await;
    for (fault, action, words) in [
        ("access_denied", "DescribeAutoScalingGroups", "missing=\"autoscaling:DescribeAutoScalingGroups\""),
        ("access_denied", "DescribeInstances", "missing=\"ec2:DescribeInstances\""),
        ("expired_token", "DescribeAutoScalingGroups", "refresh them"),
        ("expired_token", "DescribeInstances", "refresh them"),
    ] {
        cloud.break_calls(json!({ "do": fault, "action": action, "count": 0 }));
        let error = list(&provider).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.is_retryable());
        cloud.page("DELETE", "faults", None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_the_account_has_not_enabled_is_named() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let provider = cloud.builder().regions(["eu-west-1", "ap-east-1"]).build().await.unwrap();
    for (code, status) in [("InvalidClientTokenId", 403), ("AuthFailure", 401)] {
        cloud.break_calls(json!({
            "do": "error", "region": "ap-east-1", "code": code, "status": status, "count": 0,
            "message": "The security token included in the request is invalid.",
        }));
        let error = list(&provider).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
        assert!(error.to_string().starts_with("the region does not know this account"), "{error}");
        assert!(error.context().any(|named| named == ("region", "ap-east-1")), "{error}");
        cloud.page("DELETE", "faults", None);
    }
}

/// A credential chain without any credentials.
#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("nobody has any")))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_the_error_says_so() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    for nobody in [None, Some(SharedCredentialsProvider::new(Nobody))] {
        let mut config = cloud.config().into_builder();
        config.set_credentials_provider(nobody);
        let provider = chaos_aws::AutoScaling::builder().sdk_config(config.build()).build().await.unwrap();
        let error = list(&provider).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
        assert!(
            error.to_string().starts_with("the credential chain has no AWS credentials: set"),
            "{error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_nobody_answers_at_is_no_empty_list() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let config = cloud.config();
    drop(cloud);
    let provider = chaos_aws::AutoScaling::builder().sdk_config(config).build().await.unwrap();
    let error = list(&provider).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(error.is_retryable());
}
