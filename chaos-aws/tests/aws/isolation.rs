//! Isolation by security groups: what it leaves behind.

use std::sync::{Arc, Mutex};

use chaos_core::{MemoryJournal, Monkey, Registry};
use chaos_testkit::{Connect, CutOff};
use serde_json::json;

use crate::cloud::{Cloud, only_group};

/// The security groups that isolate: their tags, and how many rules they have.
async fn groups(ec2: &aws_sdk_ec2::Client) -> Vec<String> {
    let answer = ec2.describe_security_groups().send().await.unwrap();
    let isolating = answer
        .security_groups()
        .iter()
        .filter(|group| group.group_name().is_some_and(|name| name.starts_with("chaos-isolation-")));
    isolating
        .map(|group| {
            let rules = group.ip_permissions().len() + group.ip_permissions_egress().len();
            let tag = group.tags().iter().find(|tag| tag.key() == Some("chaos:isolation")).unwrap();
            format!("{} {rules}", tag.value().unwrap())
        })
        .collect()
}

async fn isolate(trouble: Option<serde_json::Value>) {
    let Some(cloud) = Cloud::with_web(2) else { return };
    let provider = cloud.provider().await;
    let target = only_group(&provider).await.members[0].target.clone();
    let isolation = target.capabilities().isolation.unwrap();
    let before = isolation.snapshot().await.unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let event = CutOff::looking({
        let (ec2, seen) = (cloud.ec2().await, Arc::clone(&seen));
        move || {
            let (ec2, seen) = (ec2.clone(), Arc::clone(&seen));
            async move {
                let groups = groups(&ec2).await;
                *seen.lock().unwrap() = groups;
            }
        }
    });
    let monkey = Monkey::builder()
        .provider(provider.clone())
        .unleash(MemoryJournal::new(), Registry::default().register::<Connect>())
        .build()
        .unwrap();
    let is_troubled = trouble.is_some();
    if let Some(trouble) = trouble {
        cloud.break_calls(trouble);
    }
    let report = monkey.inject(event, target.id()).await.unwrap();
    assert!(report.is_recovered(), "{report:?}");
    if !is_troubled {
        assert_eq!(*seen.lock().unwrap(), [format!("{} 0", report.faults[0].id)]);
    }
    assert_eq!(isolation.snapshot().await.unwrap(), before);
    assert!(groups(&cloud.ec2().await).await.is_empty(), "the group is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_cut_off_by_a_group_without_rules_which_is_removed() {
    isolate(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_anywhere_leaves_nothing_behind() {
    for action in [
        "CreateSecurityGroup",
        "RevokeSecurityGroupEgress",
        "ModifyNetworkInterfaceAttribute",
        "DeleteSecurityGroup",
    ] {
        isolate(Some(json!({ "do": "cut_after", "action": action }))).await;
    }
}
