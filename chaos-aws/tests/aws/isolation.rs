//! Isolation by security groups: what it leaves behind.

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;
use aws_sdk_ec2::types::{IpPermission, IpRange, SecurityGroup};
use chaos_aws::AutoScaling;
use chaos_core::{
    CapabilitySet, ChaosEvent, FaultId, FaultRecord, Hold, IsolationSnapshot, MemoryJournal, Monkey, Permit,
    Prepared, Recovery, Registry, Result, Scope, TargetId, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::cloud::{Cloud, only_group};

/// Isolates, and looks at what is there meanwhile.
#[derive(Debug)]
struct CutOff {
    ec2: aws_sdk_ec2::Client,
    /// Whether somebody adds a rule to the group that isolates, after which it isolates once more.
    is_opened: bool,
    seen: std::sync::Arc<Mutex<Vec<String>>>,
}

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
        let (ec2, is_opened, seen) = (self.ec2.clone(), self.is_opened, self.seen.clone());
        Ok(Prepared::new(Connect(snapshot), move |permit| {
            Box::pin(async move {
                isolation.isolate(permit).await?;
                if is_opened {
                    open(&ec2).await;
                    isolation.isolate(permit).await?;
                }
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

pub(crate) async fn isolating(ec2: &aws_sdk_ec2::Client) -> Vec<SecurityGroup> {
    let groups = ec2.describe_security_groups().send().await.unwrap().security_groups.unwrap();
    let isolates = |group: &SecurityGroup| group.group_name().unwrap().starts_with("chaos-isolation-");
    groups.into_iter().filter(isolates).collect()
}

/// Lets SSH into every group that isolates.
async fn open(ec2: &aws_sdk_ec2::Client) {
    for group in isolating(ec2).await {
        let anywhere = IpRange::builder().cidr_ip("10.0.0.0/8").build();
        let ssh = IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(22).ip_ranges(anywhere);
        let call = ec2.authorize_security_group_ingress().group_id(group.group_id().unwrap());
        call.ip_permissions(ssh.build()).send().await.unwrap();
    }
}

/// The security groups that isolate: their tags, and how many rules they have.
async fn groups(ec2: &aws_sdk_ec2::Client) -> Vec<String> {
    let isolating = isolating(ec2).await;
    isolating
        .iter()
        .map(|group| {
            let rules = group.ip_permissions().len() + group.ip_permissions_egress().len();
            let tag = group.tags().iter().find(|tag| tag.key() == Some("chaos:isolation")).unwrap();
            format!("{} {rules}", tag.value().unwrap())
        })
        .collect()
}

/// Isolates a member of the only group and connects it again. Returns what was to be seen meanwhile.
pub(crate) async fn cut_off(
    provider: &AutoScaling,
    ec2: &aws_sdk_ec2::Client,
    is_opened: bool,
) -> (FaultRecord, Vec<String>) {
    let target = only_group(provider).await.members[0].target.clone();
    let isolation = target.capabilities().isolation.unwrap();
    let before = isolation.snapshot().await.unwrap();
    let seen = std::sync::Arc::default();
    let event = CutOff { ec2: ec2.clone(), is_opened, seen: std::sync::Arc::clone(&seen) };
    let monkey = Monkey::builder()
        .provider(provider.clone())
        .settle(Duration::from_millis(200))
        .unleash(MemoryJournal::new(), Registry::default().register::<Connect>())
        .build()
        .unwrap();
    let mut report = monkey.inject(event, target.id()).await.unwrap();
    assert!(report.is_recovered() && report.faults.len() == 1, "{report:?}");
    assert_eq!(isolation.snapshot().await.unwrap(), before);
    assert!(groups(ec2).await.is_empty(), "the group is removed");
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (report.faults.remove(0), seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_cut_off_by_a_group_without_rules_which_is_removed() {
    let Some(cloud) = Cloud::with_web(2) else { return };
    for is_opened in [false, true] {
        let (fault, seen) = cut_off(&cloud.provider().await, &cloud.ec2().await, is_opened).await;
        assert_eq!(seen, [format!("{} 0", fault.id)]);
        assert!(fault.failure.is_none(), "{fault:?}");
    }
}
