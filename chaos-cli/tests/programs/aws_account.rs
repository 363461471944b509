//! An account of the stand-in for AWS, and programs that reach it.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{stand_in::StandIn, support::command};

/// A region with the group `web` of some instances, and a folder for journals.
pub(crate) struct Account {
    pub(crate) cloud: StandIn,
    pub(crate) place: TempDir,
}

impl Account {
    pub(crate) fn with_web(size: usize) -> Option<Self> {
        Self::with(json!([{ "name": "web", "region": "eu-west-1", "size": size }]))
    }

    pub(crate) fn with(groups: Value) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fakes/aws");
        let cloud = StandIn::start(&folder)?;
        cloud.add(groups);
        let place = tempfile::Builder::new().prefix("chaos-aws-drill-").tempdir().unwrap();
        Some(Self { cloud, place })
    }

    /// With credentials and a region, and nothing else of the machine's own settings.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = command(program, arguments);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
            command.env_remove(name);
        }
        command
            .env("AWS_ENDPOINT_URL", self.cloud.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("HOME", self.place.path())
            .env_remove("XDG_STATE_HOME");
        command
    }

    /// The actions that change something.
    pub(crate) fn mutations(&self) -> Vec<String> {
        let mut calls = self.cloud.calls();
        let only_asks = |call: &String| {
            call.starts_with("Describe") || call.starts_with("Get") || call.ends_with("(dry run)")
        };
        calls.retain(|call| !only_asks(call));
        calls
    }
}
