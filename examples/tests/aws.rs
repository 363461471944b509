//! The drill of a zone, against the stand-in for AWS.

use std::{path::Path, process::Command};

use serde_json::json;

use crate::{program::printed, stand_in::StandIn};

#[test]
fn a_zone_fails_and_its_groups_replace_what_it_had() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fakes/aws");
    let Some(cloud) = StandIn::start(&folder) else { return };
    let zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];
    cloud.add(json!([
        { "name": "web", "region": "eu-west-1", "size": 6, "zones": zones, "tags": { "team": "shop" } },
        { "name": "till", "region": "eu-west-1", "size": 6 },
    ]));
    let place = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_aws_zone"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
        command.env_remove(name);
    }
    command
        .arg(place.path().join("chaos.journal"))
        .arg("team=shop")
        .env("AWS_ENDPOINT_URL", cloud.endpoint())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HOME", place.path());
    let printed = printed(&mut command);

    let with = |words: &str| printed.lines().filter(|line| line.contains(words)).count();
    assert_eq!((with("chosen: terminate"), with(" is hit")), (2, 4), "{printed}");
    assert!(printed.contains("completed (run"), "{printed}");
    assert!(!printed.contains("/till/"), "{printed}");
    assert_eq!(cloud.count("TerminateInstances"), 2);
}
