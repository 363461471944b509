//! The connection to AWS: credentials and endpoints.

use std::time::Duration;

use aws_config::{
    AppName, BehaviorVersion, SdkConfig,
    identity::IdentityCache,
    retry::RetryConfig,
    sts::AssumeRoleProvider,
    timeout::{TimeoutConfig, TimeoutConfigBuilder},
};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::time::SystemTimeSource;
use chaos_core::{Error, Result};

use crate::client::{
    checkpoint::checked,
    credentials::Watched,
    transport::{Transport, validate_bundle},
};
#[cfg(unix)]
use crate::client::{
    credential_process::{CredentialProcess, LIMIT},
    profile::{ProcessChain, process_chain},
};

/// The most attempts of a call that is throttled or fails temporarily.
const MOST_ATTEMPTS: u32 = 5;
/// The longest back-off before a retry. By default, the adaptive mode waits for 20 s after the first throttled call,
/// which may be the one that ends a fault.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The time-out for credentials. It is longer than that of a credential process, which reports its own time-out.
const CREDENTIALS_WITHIN: Duration = Duration::from_secs(60);

/// The connection settings of the builders of this crate. The default takes everything from the environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    pub(crate) profile: Option<String>,
    pub(crate) role: Option<Role>,
    pub(crate) endpoint: Option<String>,
    pub(crate) config: Option<SdkConfig>,
    /// In place of those of the environment.
    pub(crate) key: Option<Credentials>,
}

#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) arn: String,
    pub(crate) external_id: Option<String>,
}

impl Connection {
    /// # Errors
    /// `InvalidInput` for an invalid endpoint, role or `AWS_CA_BUNDLE`.
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

    /// The configuration of the SDK, in this region or, without one, in that of the environment. Reads files and the
    /// environment, and makes no calls.
    pub(crate) async fn open(self, region: Option<&str>) -> SdkConfig {
        self.open_watched(region).await.0
    }

    /// As [`open`](Self::open), and the source of the credentials' expiry. Credentials of a role are renewed with those
    /// that assume it.
    pub(crate) async fn open_watched(self, region: Option<&str>) -> (SdkConfig, Option<Watched>) {
        let region = region.map(|name| aws_config::Region::new(name.to_owned()));
        // The SDK's futures here have many KiB, and would be part of every future that awaits this.
        let (config, watched) = match self.config {
            Some(config) => watching(adjusted(config, region, self.endpoint)),
            None => Box::pin(loaded(self.profile, region, self.endpoint)).await,
        };
        let (config, watched) = match self.key {
            Some(key) => {
                let provider = SharedCredentialsProvider::new(key);
                watching(config.into_builder().credentials_provider(provider).build())
            }
            None => (config, watched),
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

/// Uses the credentials of a program, for which the SDK would wait without a time-out.
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

/// The time-outs of calls.
fn limits() -> TimeoutConfigBuilder {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(60))
        .operation_timeout(Duration::from_secs(240))
}

fn adjusted(config: SdkConfig, region: Option<aws_config::Region>, endpoint: Option<String>) -> SdkConfig {
    // Every wait has a time-out, even if a program sets none of its own.
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
    // The SDK panics if it must assume a role with a hand-made configuration that has no source of time.
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
