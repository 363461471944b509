//! Drills on availability sets and scale sets, end to end: the programs against the fake of Azure Resource Manager.

use crate::{
    azure_subscription::Subscription,
    support::{DRILL, Ended, RECOVER, Watched, end, pending, text},
};
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet};
use rustix::process::Signal;
use serde_json::Value;

impl Subscription {
    async fn drilled(&self, arguments: &[&str]) -> Ended {
        end(self.program(DRILL, &[&["--provider", "azure"], arguments].concat()).spawn().unwrap()).await
    }
}

const STOP: [&str; 4] = ["--event", "stop", "--duration", "2s"];

#[tokio::test]
async fn one_machine_of_a_set_is_stopped_and_started_again() {
    let azure = Subscription::new();
    let line = [&STOP[..], &["--group", "web", "--yes", "--json"]].concat();
    let json = azure.drilled(&line).await.with_code(0).json();
    assert_eq!(json["outcome"], "completed", "{json:#}");
    assert_eq!(json["faults"][0]["state"], "recovered");
    let target = json["faults"][0]["target"].as_str().unwrap();
    assert!(target.starts_with(&format!("azure-avset:{}/shop/web/", FakeArm::SUBSCRIPTION)), "{json:#}");
    assert_eq!(azure.orders(), ["powerOff", "start"]);
    assert!(azure.all_run());
    assert!(azure.place.path().join(".local/state/chaos/drill.journal").exists());
}

#[tokio::test]
async fn a_rack_fails_and_the_others_stay() {
    let azure = Subscription::new();
    let line = [&STOP[..], &["--fault-domain", "any", "--count", "2", "--dry-run", "--json"]].concat();
    let json = azure.drilled(&line).await.with_code(0).json();
    let targets = json["plan"]["groups"][0]["targets"].as_array().unwrap().clone();
    let with =
        |word: &str| targets.iter().filter(|target| target["decision"].to_string().contains(word)).count();
    // Two fault domains with two machines each, or three with two, one and one: never more than one of them.
    assert!((1..=2).contains(&with("\"chosen\"")), "{json:#}");
    assert_eq!(with("\"chosen\"") + with("outside-domain"), 4, "{json:#}");
    assert!(azure.orders().is_empty());
}

#[tokio::test]
async fn sets_and_scale_sets_go_by_name_pattern_tag_and_resource_group() {
    let azure = Subscription::new();
    azure.fake.add(NewScaleSet::new("shop", "workers").capacity(4));
    azure.fake.add(NewAvailabilitySet::new("till", "web").machines(2));
    let groups = async |line: &[&str]| -> Vec<String> {
        let line = [&STOP[..], line, &["--dry-run", "--json"]].concat();
        let json = azure.drilled(&line).await.with_code(0).json();
        let id = |group: &Value| group["id"].as_str().unwrap().replace(FakeArm::SUBSCRIPTION, "S");
        json["plan"]["groups"].as_array().unwrap().iter().map(id).collect()
    };
    assert_eq!(
        groups(&[]).await,
        ["azure-avset:S/shop/web", "azure-avset:S/till/web", "azure-vmss:S/shop/workers"]
    );
    assert_eq!(groups(&["--group", "work*"]).await, ["azure-vmss:S/shop/workers"]);
    assert_eq!(groups(&["--tag", "team=shop"]).await, ["azure-avset:S/shop/web"]);
    assert_eq!(groups(&["--resource-group", "till"]).await, ["azure-avset:S/till/web"]);
}

#[tokio::test]
async fn what_makes_no_sense_is_said_and_nothing_is_injected() {
    let azure = Subscription::new();
    for (line, code, words) in [
        (&["--group", "nobody"][..], 2, "invalid --group: \"nobody\""),
        (&["--count", "3"], 2, "invalid --count: 3; expected from 1 to 2"),
        (&["--subscription", "me"], 2, "me"),
        (&["--region", "eu-west-1"], 2, "invalid --region: eu-west-1; expected none with --provider azure"),
        // An availability set replaces no machine.
        (&["--event", "terminate", "--group", "web"], 3, "does not replace its members"),
    ] {
        let event: &[&str] = if line.contains(&"--event") { &[] } else { &STOP };
        let ended = azure.drilled(&[event, line, &["--yes"]].concat()).await.with_code(code);
        assert!(format!("{}{}", ended.stdout, ended.stderr).contains(words), "{words}: {ended:#?}");
    }
    let line = [&["--provider", "azure"], &STOP[..], &["--yes"]].concat();
    let mut stranger = azure.program(DRILL, &line);
    stranger.env("IDENTITY_HEADER", "wrong");
    let ended = end(stranger.spawn().unwrap()).await.with_code(3);
    assert!(ended.stdout.contains("credentials"), "{ended:#?}");
    assert!(azure.orders().is_empty());
}

#[tokio::test]
async fn a_dry_run_that_could_look_at_nothing_says_so_and_ends_with_3() {
    let azure = Subscription::new();
    for count in ["1", "2"] {
        let line = [&["--provider", "azure"], &STOP[..], &["--dry-run", "--count", count]].concat();
        let mut stranger = azure.program(DRILL, &line);
        stranger.env("IDENTITY_HEADER", "wrong");
        let mut nowhere = azure.program(DRILL, &line);
        nowhere.env("AZURE_RESOURCE_MANAGER_ENDPOINT", "http://127.0.0.1:9");
        let mut drills = vec![stranger];
        if count == "1" {
            drills.push(nowhere);
        }
        for mut drill in drills {
            let ended = end(drill.spawn().unwrap()).await.with_code(3);
            assert!(ended.stderr.contains("it is unknown which targets would be hit: azure-"), "{ended:#?}");
        }
    }
    assert!(azure.orders().is_empty());
}

#[tokio::test]
async fn a_stop_whose_terminal_is_closed_is_recovered() {
    let azure = Subscription::new();
    let journal = azure.place.path().join("journal");
    let line = ["--provider", "azure", "--event", "stop", "--duration", "10m", "--yes", "--json"];
    let line = [&line[..], &["--journal", text(&journal)]].concat();
    let mut drill = Watched::of(azure.program(DRILL, &line));
    drill.says("inject ").await;
    assert!(!azure.all_run());
    drill.signal(Signal::HUP);
    let ended = drill.end().await.with_code(5);
    assert_eq!(ended.json()["faults"][0]["state"], "recovered", "{ended:#?}");
    assert_eq!(azure.orders(), ["powerOff", "start"]);
    assert!(azure.all_run() && pending(&journal).await.is_empty());
}

#[tokio::test]
async fn a_killed_drill_is_recovered() {
    for crash_at in ["after:armed", "after:injecting", "before:active", "after:active"] {
        let azure = Subscription::new();
        let journal = azure.place.path().join("journal");
        let line = [&STOP[..], &["--yes", "--journal", text(&journal), "--crash-at", crash_at]].concat();
        let drill = azure.drilled(&line).await;
        assert!(drill.was_killed(), "{crash_at}: {drill:#?}");
        assert_eq!(pending(&journal).await.len(), 1, "{crash_at}");
        assert_eq!(azure.all_run(), !crash_at.ends_with("active"), "{crash_at}");
        let recover = azure.program(RECOVER, &["--journal", text(&journal), "--json"]).spawn().unwrap();
        let recovered = end(recover).await.with_code(0).json();
        assert_eq!(recovered["faults"][0]["state"], "recovered", "{crash_at}: {recovered:#}");
        assert!(azure.all_run() && pending(&journal).await.is_empty(), "{crash_at}");
    }
}
