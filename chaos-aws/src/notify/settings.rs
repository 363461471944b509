//! The common settings of all notifiers over AWS.

use super::whereabouts::whereabouts;
use crate::client::connection::Connection;

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) connection: Connection,
    pub(super) notifier: chaos_notify::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connection: Connection::default(),
            notifier: chaos_notify::Settings::default().whereabouts(whereabouts),
        }
    }
}

/// The methods of a builder that has `settings`.
macro_rules! settings_of_notifiers {
    () => {
        /// Stops an injection whose announcement is not delivered: the target is left alone, and the report says why.
        /// Default: an announcement is sent beside the injection, and stops nothing.
        pub fn required(mut self) -> Self {
            self.settings.notifier = self.settings.notifier.required();
            self
        }

        /// Also reports runs that injected nothing and runs that could not be carried out, with the reason. Default:
        /// they are not reported.
        pub fn idle_runs(mut self) -> Self {
            self.settings.notifier = self.settings.notifier.idle_runs();
            self
        }

        /// Uses this profile of the shared configuration files. Default: `AWS_PROFILE`, or the profile `default`.
        pub fn profile(mut self, name: impl Into<String>) -> Self {
            self.settings.connection.profile = Some(name.into());
            self
        }

        /// Assumes the role with this ARN, with the credentials that would be used otherwise. The sessions have the
        /// name `chaos`.
        pub fn assume_role(mut self, arn: impl Into<String>) -> Self {
            self.settings.connection.role = Some(Role { arn: arn.into(), external_id: None });
            self
        }

        /// Assumes the role with this ARN, which requires an external id.
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
        pub fn endpoint(mut self, url: impl Into<String>) -> Self {
            self.settings.connection.endpoint = Some(url.into());
            self
        }

        /// Takes everything from a configuration of the SDK, made with `aws_config` 1, for credentials, an HTTP client
        /// or retries of your own. A region, an endpoint and a role that are set here still count; a profile does not.
        pub fn sdk_config(mut self, config: SdkConfig) -> Self {
            self.settings.connection.config = Some(config);
            self
        }

        /// Sets the clock for waits. Default: [`SystemClock`](chaos_core::clock::SystemClock). The SDK's own retries
        /// use the system's clock.
        pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
            self.settings.notifier = self.settings.notifier.clock(clock);
            self
        }
    };
}

pub(super) use settings_of_notifiers;
