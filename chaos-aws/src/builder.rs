use std::{path::Path, sync::Arc};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use chaos_core::{
    Error, Result,
    clock::{Clock, SystemClock},
    listing::Consent,
};

use crate::{
    capability::target::Means,
    client::{
        connection::{Connection, Role},
        regions::Regions,
    },
    discovery::{
        fleet::Fleet,
        own_instance::{FIRMWARE, own_instance},
        selection::Selection,
    },
    model::region_name::validate_region,
};

/// The account, the regions and the groups of a provider; made by
/// [`AutoScaling::builder`](crate::AutoScaling::builder).
///
/// A group must match one of the names or patterns, and every tag.
#[derive(Debug)]
#[must_use = "nothing is listed before the provider is built"]
pub struct AutoScalingBuilder {
    connection: Connection,
    regions: Vec<String>,
    selection: Selection,
    means: Means,
    includes_own_instance: bool,
}

impl AutoScalingBuilder {
    pub(crate) fn new() -> Self {
        Self {
            connection: Connection::default(),
            regions: Vec::new(),
            selection: Selection::default(),
            means: Means {
                clock: Arc::new(SystemClock::default()),
                has_shell: true,
                own_instance: own_instance(Path::new(FIRMWARE)),
                credentials: None,
                #[cfg(feature = "fis")]
                has_engine: true,
            },
            includes_own_instance: false,
        }
    }

    /// Uses this profile of the shared configuration files. Default: `AWS_PROFILE`, or the profile `default`.
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.connection.profile = Some(name.into());
        self
    }

    /// Assumes the role with this ARN, with the credentials that would be used otherwise. The sessions have the name
    /// `chaos`.
    pub fn assume_role(mut self, arn: impl Into<String>) -> Self {
        self.connection.role = Some(Role { arn: arn.into(), external_id: None });
        self
    }

    /// Assumes the role with this ARN, which requires an external id.
    pub fn assume_role_with_external_id(
        mut self,
        arn: impl Into<String>,
        external_id: impl Into<String>,
    ) -> Self {
        self.connection.role = Some(Role { arn: arn.into(), external_id: Some(external_id.into()) });
        self
    }

    /// Uses this access key, with the token of its session if it is a temporary one. Default: that of the environment,
    /// of the profile or of the machine.
    pub fn access_key(
        mut self,
        id: impl Into<String>,
        secret: impl Into<String>,
        session_token: Option<String>,
    ) -> Self {
        self.connection.key = Some(Credentials::new(id, secret, session_token, None, "access key"));
        self
    }

    /// Adds a region to list. Default: `AWS_REGION`, or the region of the profile.
    pub fn region(mut self, name: impl Into<String>) -> Self {
        self.regions.push(name.into());
        self
    }

    /// Adds regions to list, all at once.
    pub fn regions(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.regions.extend(names.into_iter().map(Into::into));
        self
    }

    /// Sends every call to this URL: an emulator, or a proxy. Default: `AWS_ENDPOINT_URL`, or the region's own.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.connection.endpoint = Some(url.into());
        self
    }

    /// Takes everything from a configuration of the SDK, made with `aws_config` 1, for credentials, an HTTP client or
    /// retries of your own. A region, an endpoint and a role that are set here still count; a profile does not.
    pub fn sdk_config(mut self, config: SdkConfig) -> Self {
        self.connection.config = Some(config);
        self
    }

    /// Lists the group with this name.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.selection.groups = self.selection.groups.name(name);
        self
    }

    /// Lists groups whose name matches this pattern, in which `*` stands for any characters and `?` for one.
    ///
    /// The API has no patterns, so every group with the tags is read, and few of them may match.
    pub fn groups_like(mut self, pattern: impl Into<String>) -> Self {
        self.selection.groups = self.selection.groups.names_like(pattern);
        self
    }

    /// Lists groups with this tag. If you set several values for the same key, any of them matches.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.selection.groups = self.selection.groups.tag(key, value);
        self
    }

    /// Lists groups that have a tag with this key, with any value.
    pub fn tag_key(mut self, key: impl Into<String>) -> Self {
        self.selection.groups = self.selection.groups.tag_key(key);
        self
    }

    /// Allows only members that have opted in: the tag [`chaos:enabled`](crate::ENABLED_TAG) of their group or of
    /// themselves is `true`. By default, all members are allowed except those with `false`.
    pub fn require_opt_in(mut self) -> Self {
        self.selection.groups = self.selection.groups.consent(Consent::Required);
        self
    }

    /// Also allows members that are protected from scale-in. By default, they are excluded, with this reason.
    pub fn include_protected(mut self) -> Self {
        self.selection.protected_too = true;
        self
    }

    /// Sets the instance on which this program runs. By default, it is read from the firmware of the machine. This
    /// works on instances of the Nitro System; elsewhere the instance is unknown.
    pub fn own_instance(mut self, id: impl Into<Arc<str>>) -> Self {
        self.means.own_instance = Some(id.into());
        self
    }

    /// Also allows the instance on which this program runs as a target. By default, it is excluded, with this reason.
    /// Another process must recover a fault there, from the same journal.
    pub fn include_own_instance(mut self) -> Self {
        self.includes_own_instance = true;
        self
    }

    /// Offers no shell, so events that need one are not planned. Use it for instances without an agent of Systems
    /// Manager. By default, every instance offers a shell unless it runs Windows, and the preparation of a fault checks
    /// the agent.
    pub fn without_shell(mut self) -> Self {
        self.means.has_shell = false;
        self
    }

    /// Offers no experiments of the Fault Injection Service, so events that need them are not planned. Earlier faults
    /// are still recovered.
    #[cfg(feature = "fis")]
    pub fn without_engine(mut self) -> Self {
        self.means.has_engine = false;
        self
    }

    /// Sets the clock for waits and for the age of answers. Default: [`SystemClock`]. The SDK's own retries use the
    /// system's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.means.clock = clock;
        self
    }

    /// The parts of the provider.
    pub(crate) async fn fleet(mut self) -> Result<Fleet> {
        self.validate()?;
        let (config, credentials) =
            self.connection.open_watched(self.regions.first().map(String::as_str)).await;
        self.means.credentials = credentials;
        let mut regions = self.regions;
        if regions.is_empty() {
            regions.extend(config.region().map(|region| region.as_ref().to_owned()));
        }
        if regions.is_empty() {
            let expected = "a region: name one, or set AWS_REGION, or set a region in the profile";
            return Err(Error::invalid("region", "none", expected));
        }
        for region in &regions {
            validate_region(region)?;
        }
        // A region that is set twice is listed once.
        let mut distinct = Vec::with_capacity(regions.len());
        for region in regions {
            if !distinct.contains(&region) {
                distinct.push(region);
            }
        }
        if self.includes_own_instance {
            self.means.own_instance = None;
        }
        Ok(Fleet { regions: Regions::new(config, &distinct), selection: self.selection, means: self.means })
    }

    fn validate(&self) -> Result<()> {
        for region in &self.regions {
            validate_region(region)?;
        }
        self.connection.validate()?;
        self.selection.groups.check()
    }
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;

    use super::*;
    use crate::AutoScaling;

    #[tokio::test]
    async fn bad_settings_name_field_and_value() {
        let fleet = || AutoScaling::builder().region("eu-west-1");
        for (builder, expected) in [
            (fleet().region("Dublin"), "invalid region: \"Dublin\""),
            (fleet().endpoint("localhost:5000"), "invalid endpoint: \"localhost:5000\""),
            (fleet().endpoint("http://"), "invalid endpoint: \"http://\""),
            (fleet().endpoint("http://a b"), "invalid endpoint: \"http://a b\""),
            (fleet().assume_role("chaos"), "invalid role: \"chaos\""),
            (fleet().group(""), "invalid group name: \"\""),
            (fleet().groups_like(""), "invalid name pattern: \"\""),
            (fleet().tag("", "x"), "invalid tag: \"\""),
            (fleet().tag_key(""), "invalid tag: \"\""),
        ] {
            let error = builder.build().await.expect_err(expected);
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }

    #[test]
    fn a_future_that_builds_a_provider_stays_small() {
        // Without optimisation, futures that hold it are on the stack several times.
        let size = size_of_val(&AutoScaling::builder().build());
        assert!(size < 4096, "{size}");
    }

    #[test]
    fn no_access_key_is_shown() {
        let builder = AutoScaling::builder().access_key("AKIDEXAMPLE", "s3cret", Some("t0ken".to_owned()));
        let shown = format!("{builder:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("t0ken"), "{shown}");
    }

    #[tokio::test]
    async fn without_any_region_there_is_nothing_to_list() {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        let error = AutoScaling::builder().sdk_config(config).build().await.unwrap_err();
        assert!(error.to_string().starts_with("invalid region: none; expected a region"), "{error}");
    }

    #[tokio::test]
    async fn a_role_may_be_assumed_from_any_configuration() {
        let region = aws_config::Region::new("eu-west-1");
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).region(region).build();
        assert!(config.time_source().is_none());
        let fleet = AutoScaling::builder().sdk_config(config);
        fleet.assume_role("arn:aws:iam::123456789012:role/chaos").build().await.unwrap();
    }
}
