//! Isolation by security groups: what it leaves behind.

use std::sync::Mutex;

use async_trait::async_trait;
use chaos_core::{
    CapabilitySet, ChaosEvent, FaultId, Hold, IsolationSnapshot, MemoryJournal, Monkey, Permit, Prepared,
    Recovery, Registry, Result, Scope, TargetId, Verdict,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cloud::{Cloud, only_group};

/// Isolates, and looks at what is there meanwhile.
#[derive(Debug, Default)]
struct CutOff(Mutex<Option<aws_sdk_ec2::Client>>, std::sync::Arc<Mutex<Vec<String>>>);

#[derive(Debug, Serialize, Deserialize)]
struct Connect(IsolationSnapshot);

#[async_trait]
impl ChaosEvent for CutOff {
    fn name(&self) -> &'static str {
        "cut-off"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([chaos_core::Capability::Isolation])
    }

    fn hold(&self) -> Hold {
        Hold::MOMENTARY
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let isolation = scope.target()?.capabilities().isolation()?.clone();
        let snapshot = isolation.snapshot().await?;
        let (ec2, seen) = (self.0.lock().unwrap().clone().unwrap(), self.1.clone());
        Ok(Prepared::new(Connect(snapshot), |permit| {
            Box::pin(async move {
                isolation.isolate(permit).await?;
                let groups = groups(&ec2).await;
                *seen.lock().unwrap() = groups;
                Ok(())
            })
        }))
    }
}

#[async_trait]
impl Recovery for Connect {
    const KIND: &'static str = "test/connect/1";

    async fn recover(&self, scope: &Scope, permit: &Permit) -> Result<()> {
        let Some(target) = scope.fresh_target().await? else { return Ok(()) };
        target.capabilities().isolation()?.restore(&self.0, permit).await
    }

    async fn verify(&self, scope: &Scope) -> Result<Verdict> {
        let Some(target) = scope.fresh_target().await? else { return Ok(Verdict::Gone("gone".to_owned())) };
        Ok(match target.capabilities().isolation()?.is_isolated().await? {
            true => Verdict::NotYet("isolated".to_owned()),
            false => Verdict::Back,
        })
    }

    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        format!("move the interfaces of {target} out of the security group chaos-isolation-{fault}")
    }
}

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
    let event = CutOff(Mutex::new(Some(cloud.ec2().await)), Default::default());
    let seen = event.1.clone();
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
