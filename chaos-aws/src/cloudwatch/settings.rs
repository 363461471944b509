//! The common settings of the probes, and their connection.

use std::{fmt, time::Duration};

use aws_config::retry::RetryConfig;
use aws_sdk_cloudwatch::{
    Client,
    config::{Builder, http::HttpResponse},
    error::{ProvideErrorMetadata, SdkError},
};
use chaos_core::{Error, ErrorKind, Result, clock::Clock};
use tokio::sync::OnceCell;

use crate::{
    client::{connection::Connection, error::failed},
    model::region_name::validate_region,
};

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) connection: Connection,
    pub(super) region: Option<String>,
    pub(super) limit: Duration,
    /// Made at the first look.
    opened: OnceCell<Opened>,
}

/// A client, and the name of its region.
#[derive(Clone, Debug)]
struct Opened {
    client: Client,
    region: String,
}

impl Default for Settings {
    fn default() -> Self {
        // Less than the default time limit of a look, so that the doubt names CloudWatch.
        let limit = Duration::from_secs(4);
        Self { connection: Connection::default(), region: None, limit, opened: OnceCell::new() }
    }
}

impl Settings {
    pub(super) fn check(&self) -> Result<()> {
        if self.limit.is_zero() {
            return Err(Error::invalid("answering_within", "0s", "more than zero"));
        }
        if let Some(region) = &self.region {
            validate_region(region)?;
        }
        self.connection.validate()
    }

    /// Makes one call of the API, within the time limit.
    ///
    /// # Errors
    /// Those of the API, and `Timeout`.
    pub(super) async fn ask<A, E, F>(
        &self,
        action: &'static str,
        clock: &dyn Clock,
        call: impl FnOnce(Client) -> F + Send,
    ) -> Result<A>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = Result<A, SdkError<E, HttpResponse>>> + Send,
    {
        let asking = async {
            let Opened { client, region } = self.opened.get_or_try_init(|| self.open()).await?;
            let answer = Box::pin(call(client.clone())).await;
            answer.map_err(|error| {
                let error = failed(action, region, error);
                if error.kind() == ErrorKind::Throttled {
                    let what = "CloudWatch throttles the looks of a probe: look less often, with `every`";
                    return Error::new(ErrorKind::Throttled, what).caused_by(error);
                }
                error
            })
        };
        tokio::select! {
            biased;
            answer = asking => answer,
            () = clock.sleep(self.limit) => {
                let what = "CloudWatch did not answer in time: check the network, or raise `answering_within`";
                Err(Error::new(ErrorKind::Timeout, what)
                    .with("action", action)
                    .with("limit", format_args!("{:?}", self.limit)))
            }
        }
    }

    async fn open(&self) -> Result<Opened> {
        self.check()?;
        let config = self.connection.clone().open(self.region.as_deref()).await;
        let Some(region) = config.region().map(|region| region.as_ref().to_owned()) else {
            let expected = "a region: name one, or set AWS_REGION, or set a region in the profile";
            return Err(Error::invalid("region", "none", expected));
        };
        // The next look is the retry. More calls would only add to the load of a service that throttles.
        let config = Builder::from(&config).retry_config(RetryConfig::disabled()).build();
        Ok(Opened { client: Client::from_conf(config), region })
    }

    /// Where it looks, for reports.
    pub(super) fn place(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(|f| match &self.region {
            Some(region) => write!(f, "in CloudWatch of {region}"),
            None => f.write_str("in CloudWatch"),
        })
    }
}

/// The methods of a probe that has `settings`.
macro_rules! settings_of_probes {
    () => {
        /// Looks in this region. Default: `AWS_REGION`, or that of the profile.
        #[must_use]
        pub fn region(mut self, name: impl Into<String>) -> Self {
            self.settings.region = Some(name.into());
            self
        }

        /// Uses this profile of the shared configuration files. Default: `AWS_PROFILE`, or the profile `default`.
        #[must_use]
        pub fn profile(mut self, name: impl Into<String>) -> Self {
            self.settings.connection.profile = Some(name.into());
            self
        }

        /// Assumes the role with this ARN, with the credentials that would be used otherwise. The sessions have the
        /// name `chaos`.
        #[must_use]
        pub fn assume_role(mut self, arn: impl Into<String>) -> Self {
            self.settings.connection.role = Some(Role { arn: arn.into(), external_id: None });
            self
        }

        /// Assumes the role with this ARN, which requires an external id.
        #[must_use]
        pub fn assume_role_with_external_id(
            mut self,
            arn: impl Into<String>,
            external_id: impl Into<String>,
        ) -> Self {
            let external_id = Some(external_id.into());
            self.settings.connection.role = Some(Role { arn: arn.into(), external_id });
            self
        }

        /// Sends every call to this URL: an emulator, or a proxy. Default: `AWS_ENDPOINT_URL`, or the region's own.
        #[must_use]
        pub fn endpoint(mut self, url: impl Into<String>) -> Self {
            self.settings.connection.endpoint = Some(url.into());
            self
        }

        /// Takes everything from a configuration of the SDK, made with `aws_config` 1, for credentials or an HTTP
        /// client of your own. A region, an endpoint and a role that are set here still count; a profile does not, and
        /// nothing is retried.
        #[must_use]
        pub fn sdk_config(mut self, config: SdkConfig) -> Self {
            self.settings.connection.config = Some(config);
            self
        }

        /// Sets how long CloudWatch may take, with the time to get credentials. Longer silence is a doubt, because it
        /// says nothing about the system. Choose less than the time limit of the steady state. Default: 4 seconds.
        #[must_use]
        pub fn answering_within(mut self, limit: Duration) -> Self {
            self.settings.limit = limit;
            self
        }
    };
}

pub(super) use settings_of_probes;
