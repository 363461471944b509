//! How AWS is reached: with whose credentials, and where.

use std::time::Duration;

use aws_config::{
    AppName, BehaviorVersion, SdkConfig,
    retry::RetryConfig,
    sts::AssumeRoleProvider,
    timeout::{TimeoutConfig, TimeoutConfigBuilder},
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::config::retry::RetryPartition;
use aws_smithy_async::time::SystemTimeSource;
use chaos_core::{Error, Result};

use crate::{checkpoint::checked, transport::Transport};

/// How often a call is made at most that is throttled or fails in passing.
const MOST_ATTEMPTS: u32 = 5;
/// The longest wait before a call is made again. Left to itself, the adaptive mode waits for 20 s after the first call that is throttled,
/// which may be the one that ends a fault.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What the builders of this crate are told about it. Default: everything as the environment says.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    pub(crate) profile: Option<String>,
    pub(crate) role: Option<Role>,
    pub(crate) endpoint: Option<String>,
    pub(crate) config: Option<SdkConfig>,
}

#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) arn: String,
    pub(crate) external_id: Option<String>,
}

impl Connection {
    /// # Errors
    /// `InvalidInput` for an endpoint or a role that makes no sense.
    pub(crate) fn validate(&self) -> Result<()> {
        if let Some(url) = &self.endpoint {
            let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
            let is_right = rest.is_some_and(|rest| {
                !rest.is_empty()
                    && !rest.starts_with('/')
                    && rest.chars().all(|character| character.is_ascii_graphic())
            });
            if !is_right {
                return Err(Error::invalid("endpoint", format!("{url:?}"), "a URL of http or https"));
            }
        }
        if let Some(role) = &self.role
            && !(role.arn.starts_with("arn:") && role.arn.contains(":role/"))
        {
            return Err(Error::invalid(
                "role",
                format!("{:?}", role.arn),
                "an ARN like arn:aws:iam::123456789012:role/chaos",
            ));
        }
        Ok(())
    }

    /// The configuration of the SDK, in this region or, where none is named, in that of the environment. Reads files and the
    /// environment, and calls nobody.
    pub(crate) async fn open(self, region: Option<&str>) -> SdkConfig {
        let region = region.map(|name| aws_config::Region::new(name.to_owned()));
        // What the SDK does here makes futures of many KiB, which would be part of every one that awaits this.
        let config = match self.config {
            Some(config) => adjusted(config, region, self.endpoint),
            None => Box::pin(loaded(self.profile, region, self.endpoint)).await,
        };
        let config = checked(config);
        match &self.role {
            Some(role) => Box::pin(assuming(role, &config)).await,
            None => config,
        }
    }
}

async fn loaded(
    profile: Option<String>,
    region: Option<aws_config::Region>,
    endpoint: Option<String>,
) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(Transport::default())
        .retry_config(RetryConfig::adaptive().with_max_attempts(MOST_ATTEMPTS).with_max_backoff(LONGEST_WAIT))
        .timeout_config(limits().build());
    if let Ok(name) = AppName::new("chaos-aws") {
        loader = loader.app_name(name);
    }
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = endpoint {
        loader = loader.endpoint_url(url);
    }
    if let Some(region) = region {
        loader = loader.region(region);
    }
    loader.load().await
}

/// How long calls may take.
fn limits() -> TimeoutConfigBuilder {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(60))
        .operation_timeout(Duration::from_secs(240))
}

fn adjusted(config: SdkConfig, region: Option<aws_config::Region>, endpoint: Option<String>) -> SdkConfig {
    // No wait is without end, also where a program has set no limits of its own.
    let given = config.timeout_config().map(TimeoutConfig::to_builder).unwrap_or_default();
    let mut builder = config.into_builder().timeout_config(given.take_unset_from(limits()).build());
    if let Some(url) = endpoint {
        builder = builder.endpoint_url(url);
    }
    if let Some(region) = region {
        builder = builder.region(region);
    }
    builder.build()
}

async fn assuming(role: &Role, config: &SdkConfig) -> SdkConfig {
    let mut config = config.clone();
    // The SDK panics where a role is to be assumed and a configuration, made by hand, does not say where time comes from.
    if config.time_source().is_none() {
        config = config.into_builder().time_source(SystemTimeSource::new()).build();
    }
    let mut provider = AssumeRoleProvider::builder(&role.arn).session_name("chaos").configure(&config);
    if let Some(id) = &role.external_id {
        provider = provider.external_id(id);
    }
    let provider = SharedCredentialsProvider::new(provider.build().await);
    config.into_builder().credentials_provider(provider).build()
}

/// Retries and a rate of its own: otherwise all clients of a service in a process share them, those of the program that this is
/// part of too. Neither is to slow down the other.
pub(crate) fn retries(service: &str, region: &str) -> RetryPartition {
    RetryPartition::custom(format!("chaos-{service}-{region}")).build()
}
