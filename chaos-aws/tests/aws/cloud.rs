//! A cloud for one test: the stand-in as a child process, which ends with it.

use std::{fs, io::Write, ops::Deref, path::Path, time::Duration};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use chaos_aws::{AutoScaling, AutoScalingBuilder};
use chaos_core::{
    BlastRadius, Group, Health, MemoryJournal, Monkey, MonkeyBuilder, Provider, Result, TargetId,
    provider::GroupFilter,
};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use crate::stand_in::StandIn;

/// The access key of a test's own calls.
const SETUP: &str = "setup";

#[derive(Debug)]
pub(crate) struct Cloud(StandIn);

impl Deref for Cloud {
    type Target = StandIn;

    fn deref(&self) -> &StandIn {
        &self.0
    }
}

impl Cloud {
    /// Starts one. If moto is not installed, returns `None` and prints that.
    pub(crate) fn start() -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fakes/aws");
        let cloud = Self(StandIn::start(&folder)?);
        cloud.allow("full");
        Some(cloud)
    }

    /// Lets the library do what this policy of `docs/aws-iam.json` allows, and nothing else. The default is `full`, so
    /// every test that makes a call outside of it fails. Calls of a test by [`setup`](Self::setup) are not limited.
    pub(crate) fn allow(&self, policy: &str) {
        self.page("POST", "policy", Some(json!({ "policy": policies()[policy], "except": [SETUP] })));
    }

    pub(crate) fn allow_everything(&self) {
        self.page("POST", "policy", Some(json!({ "policy": null, "except": [SETUP] })));
    }

    /// Whether each instance has a network of its own. Prints if it has not.
    pub(crate) fn has_namespaces(&self) -> bool {
        if !self.0.has_namespaces {
            let _ = writeln!(std::io::stderr(), "\nskipped: networks of instances: only root can make them");
        }
        self.0.has_namespaces
    }

    /// Starts one with groups, in the format of the stand-in's pages.
    pub(crate) fn with(groups: Value) -> Option<Self> {
        let cloud = Self::start()?;
        cloud.add(groups);
        Some(cloud)
    }

    /// Starts one with one group `web` in eu-west-1.
    pub(crate) fn with_web(size: usize) -> Option<Self> {
        Self::with(json!([{ "name": "web", "region": "eu-west-1", "size": size }]))
    }

    /// The configuration for the library.
    pub(crate) fn config(&self) -> SdkConfig {
        self.config_of("test")
    }

    /// The configuration for the test's own looks and changes.
    pub(crate) fn setup(&self) -> SdkConfig {
        self.config_of(SETUP)
    }

    fn config_of(&self, access_key: &str) -> SdkConfig {
        let credentials = Credentials::new(access_key, "test", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_config::Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(
                RetryConfig::adaptive()
                    .with_initial_backoff(Duration::from_millis(10))
                    .with_max_backoff(Duration::from_millis(100)),
            )
            .endpoint_url(self.endpoint())
            .build()
    }

    /// A provider without retries, which are left to its caller.
    pub(crate) async fn asking_once(&self) -> AutoScaling {
        let config = self.config().into_builder().retry_config(RetryConfig::disabled()).build();
        AutoScaling::builder().sdk_config(config).build().await.unwrap()
    }

    pub(crate) fn builder(&self) -> AutoScalingBuilder {
        AutoScaling::builder().sdk_config(self.config())
    }

    pub(crate) async fn provider(&self) -> AutoScaling {
        self.builder().build().await.unwrap()
    }

    /// The same region, as the account 111122223333 sees it.
    pub(crate) async fn of_another_account(&self) -> AutoScaling {
        let sts = aws_sdk_sts::Client::new(&self.setup());
        let call =
            sts.assume_role().role_arn("arn:aws:iam::111122223333:role/chaos").role_session_name("chaos");
        let given = call.send().await.unwrap().credentials.unwrap();
        let token = Some(given.session_token);
        let credentials = Credentials::new(given.access_key_id, given.secret_access_key, token, None, "test");
        let credentials = SharedCredentialsProvider::new(credentials);
        let config = self.setup().into_builder().credentials_provider(credentials).build();
        AutoScaling::builder().sdk_config(config).build().await.unwrap()
    }

    pub(crate) async fn ec2(&self) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.setup())
    }
}

/// The policies of `docs/aws-iam.json`, by their names.
pub(crate) fn policies() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/aws-iam.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// A monkey that may take the last member of a group, and whose waits are as short as this stand-in allows.
pub(crate) fn monkey(provider: impl Provider, journal: MemoryJournal) -> MonkeyBuilder {
    Monkey::builder()
        .provider(provider)
        .blast_radius(BlastRadius::default().min_healthy(0))
        .settle(Duration::from_millis(200))
        .unleash(journal, chaos_events::registry())
}

pub(crate) async fn list(provider: &AutoScaling) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = provider.groups(&GroupFilter::all()).try_collect().await?;
    groups.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(groups)
}

pub(crate) async fn only_group(provider: &AutoScaling) -> Group {
    let mut groups = list(provider).await.unwrap();
    assert_eq!(groups.len(), 1);
    groups.remove(0)
}

/// A healthy member of a group in eu-west-1.
pub(crate) async fn member(cloud: &Cloud, group: &str) -> TargetId {
    let provider = cloud.builder().group(group).build().await.unwrap();
    let group = only_group(&provider).await;
    let healthy = group.members.iter().find(|member| member.health == Health::Healthy).unwrap();
    healthy.target.id().clone()
}
