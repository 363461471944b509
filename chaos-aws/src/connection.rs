//! How AWS is reached: with whose credentials, and where.

use std::time::Duration;

use aws_config::{
    AppName, BehaviorVersion, SdkConfig,
    identity::IdentityCache,
    retry::RetryConfig,
    sts::AssumeRoleProvider,
    timeout::{TimeoutConfig, TimeoutConfigBuilder},
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::SystemTimeSource;
use chaos_core::{Error, Result};

use crate::{
    checkpoint::checked,
    credentials::Watched,
    transport::{Transport, validate_bundle},
};
#[cfg(unix)]
use crate::{
    credential_process::{CredentialProcess, LIMIT},
    profile::{ProcessChain, process_chain},
};

/// How often a call is made at most that is throttled or fails in passing.
const MOST_ATTEMPTS: u32 = 5;
/// The longest wait before a call is made again. Left to itself, the adaptive mode waits for 20 s after the first call
/// that is throttled, which may be the one that ends a fault.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long credentials may take to come: longer than a program that gives them may, which says itself that it took too
/// long.
const CREDENTIALS_WITHIN: Duration = Duration::from_secs(60);

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
    /// `InvalidInput` for an endpoint, a role or an `AWS_CA_BUNDLE` that makes no sense.
    pub(crate) fn validate(&self) -> Result<()> {
        validate_bundle()?;
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

    /// The configuration of the SDK, in this region or, where none is named, in that of the environment. Reads files
    /// and the environment, and calls nobody.
    pub(crate) async fn open(self, region: Option<&str>) -> SdkConfig {
        self.open_watched(region).await.0
    }

    /// As [`open`](Self::open), and what tells when the credentials end. Those of a role are renewed, with the ones
    /// that it is assumed by.
    pub(crate) async fn open_watched(self, region: Option<&str>) -> (SdkConfig, Option<Watched>) {
        let region = region.map(|name| aws_config::Region::new(name.to_owned()));
        // What the SDK does here makes futures of many KiB, which would be part of every one that awaits this.
        let (config, watched) = match self.config {
            Some(config) => watching(adjusted(config, region, self.endpoint)),
            None => Box::pin(loaded(self.profile, region, self.endpoint)).await,
        };
        let config = checked(config);
        let config = match &self.role {
            Some(role) => Box::pin(assuming(role, &config)).await,
            None => config,
        };
        (config, watched)
    }
}

async fn loaded(
    profile: Option<String>,
    region: Option<aws_config::Region>,
    endpoint: Option<String>,
) -> (SdkConfig, Option<Watched>) {
    #[cfg(unix)]
    let process = process_chain(profile.clone()).await;
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(Transport::default())
        .retry_config(RetryConfig::adaptive().with_max_attempts(MOST_ATTEMPTS).with_max_backoff(LONGEST_WAIT))
        .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS_WITHIN).build())
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
    let config = loader.load().await;
    #[cfg(unix)]
    if let Some(chain) = process {
        return Box::pin(through_process(config, chain)).await;
    }
    watching(config)
}

/// With the credentials that a program gives. The SDK would wait for it without end.
#[cfg(unix)]
async fn through_process(config: SdkConfig, chain: ProcessChain) -> (SdkConfig, Option<Watched>) {
    let process = CredentialProcess { command: chain.command, limit: LIMIT };
    let watched = Watched::over(SharedCredentialsProvider::new(process));
    let mut provider = SharedCredentialsProvider::new(watched.clone());
    for role in chain.roles {
        let session = role.session_name.as_deref().unwrap_or("chaos");
        let mut assumed = AssumeRoleProvider::builder(role.arn).session_name(session).configure(&config);
        if let Some(id) = role.external_id {
            assumed = assumed.external_id(id);
        }
        provider = SharedCredentialsProvider::new(assumed.build_from_provider(provider).await);
    }
    (config.into_builder().credentials_provider(provider).build(), Some(watched))
}

fn watching(config: SdkConfig) -> (SdkConfig, Option<Watched>) {
    let Some(source) = config.credentials_provider() else { return (config, None) };
    let watched = Watched::over(source);
    let provider = SharedCredentialsProvider::new(watched.clone());
    (config.into_builder().credentials_provider(provider).build(), Some(watched))
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
    // The SDK panics where a role is to be assumed and a configuration, made by hand, does not say where time comes
    // from.
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
