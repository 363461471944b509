//! A cloud for one test: the stand-in as a child process, which ends with it.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use chaos_aws::{AutoScaling, AutoScalingBuilder};
use chaos_core::{
    BlastRadius, Group, GroupFilter, Health, MemoryJournal, Monkey, MonkeyBuilder, Provider, Result, TargetId,
};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

/// The program `moto_server` of a virtual environment that has what `stand_in/requirements.txt` names.
const MOTO: &str = "CHAOS_MOTO";

/// The access key of a test's own calls.
const SETUP: &str = "setup";

#[derive(Debug)]
pub(crate) struct Cloud {
    process: Child,
    address: String,
    has_namespaces: bool,
}

impl Cloud {
    /// Starts one; `None`, said where everybody sees it, where moto is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(moto) = env::var_os(MOTO).map(PathBuf::from).filter(|moto| moto.exists()) else {
            assert_ne!(env::var("CI").as_deref(), Ok("true"), "in CI, {MOTO} must name moto_server");
            // Past the capture of what tests print, at the beginning of a line.
            let _ = writeln!(
                std::io::stderr(),
                "\nskipped: tests against moto: {MOTO} does not name moto_server; ./test.sh installs it"
            );
            return None;
        };
        let stand_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stand_in");
        let mut process = Command::new(moto.with_file_name("python"))
            .arg(stand_in)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the stand-in starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).expect("the stand-in is ready");
        let address = ready["endpoint"].as_str().unwrap().trim_start_matches("http://").to_owned();
        let has_namespaces = ready["namespaces"].as_bool().unwrap();
        let cloud = Self { process, address, has_namespaces };
        cloud.allow("full");
        Some(cloud)
    }

    /// Lets the library do what this policy of `docs/aws-iam.json` allows, and nothing else; `full` where nothing is said, so that
    /// every test fails whose calls it does not hold. What a test does by [`setup`](Self::setup) is free.
    pub(crate) fn allow(&self, policy: &str) {
        self.page("POST", "policy", Some(json!({ "policy": policies()[policy], "except": [SETUP] })));
    }

    pub(crate) fn allow_everything(&self) {
        self.page("POST", "policy", Some(json!({ "policy": null, "except": [SETUP] })));
    }

    /// Whether each instance has a network of its own; said where it has not.
    pub(crate) fn has_namespaces(&self) -> bool {
        if !self.has_namespaces {
            let _ = writeln!(std::io::stderr(), "\nskipped: networks of instances: only root can make them");
        }
        self.has_namespaces
    }

    /// With groups, as the pages of the stand-in tell them.
    pub(crate) fn with(groups: Value) -> Option<Self> {
        let cloud = Self::start()?;
        cloud.add(groups);
        Some(cloud)
    }

    /// One group `web` in eu-west-1.
    pub(crate) fn with_web(size: usize) -> Option<Self> {
        Self::with(json!([{ "name": "web", "region": "eu-west-1", "size": size }]))
    }

    pub(crate) fn add(&self, groups: Value) -> Value {
        self.page("POST", "world", Some(json!({ "seed": 1, "groups": groups })))
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For the library.
    pub(crate) fn config(&self) -> SdkConfig {
        self.config_of("test")
    }

    /// For what a test itself looks at or changes.
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

    pub(crate) fn builder(&self) -> AutoScalingBuilder {
        AutoScaling::builder().sdk_config(self.config())
    }

    pub(crate) async fn provider(&self) -> AutoScaling {
        self.builder().build().await.unwrap()
    }

    pub(crate) async fn ec2(&self) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.setup())
    }

    /// Has calls go wrong.
    pub(crate) fn break_calls(&self, faults: Value) {
        self.page("POST", "faults", Some(faults));
    }

    /// The names of the calls since they were last forgotten, those of the test itself too.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = self.page("GET", "calls", None);
        let calls = calls.as_array().or_else(|| calls["calls"].as_array()).expect("a list of calls");
        calls.iter().map(|call| call["action"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn count(&self, action: &str) -> usize {
        self.calls().iter().filter(|call| *call == action).count()
    }

    pub(crate) fn forget_calls(&self) {
        self.page("DELETE", "calls", None);
    }

    pub(crate) fn page(&self, method: &str, page: &str, body: Option<Value>) -> Value {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} /_stand_in/{page} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(" 200 ") || head.contains(" 201 ") || head.contains(" 204 "),
            "{page}: {answer}"
        );
        serde_json::from_str(body).unwrap_or(Value::Null)
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // It ends, and all that it has started, when its input does.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The policies of `docs/aws-iam.json`, by their names.
pub(crate) fn policies() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/aws-iam.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// A monkey that may take the last member of a group, and that waits no longer than it takes here for what may be on its way.
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
