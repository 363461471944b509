use async_trait::async_trait;
use chaos_core::{
    ErrorKind, FaultId, Group, Health, Permit, Recovery, RecoveryScope, Result, TargetId, Verdict,
    fault::{Injection, Milestone},
    group::Member,
};
use serde::{Deserialize, Serialize};

use crate::{
    group_health::how_healthy,
    pace::{Look, until_back},
};

/// Waits until the group is as complete and as healthy as before, without the terminated target: the recovery of
/// [`Terminate`](crate::Terminate).
///
/// Records when the group was first seen without the healthy target, when it had as many members again, and when they
/// were healthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AwaitReplacement {
    /// Whether the group replaces its members.
    pub replaced: bool,
    /// The number of healthy members that makes the group whole.
    pub healthy: usize,
    /// Tells the target apart from a replacement with the same id.
    pub incarnation: Option<String>,
}

impl AwaitReplacement {
    /// Waits until `target` is gone and `group` is as healthy as it is now, up to its desired size.
    pub fn of(group: &Group, target: &TargetId) -> Self {
        let incarnation =
            group.member(target).and_then(|member| member.incarnation.as_deref().map(str::to_owned));
        Self { replaced: group.replaces_members, healthy: group.healthy().min(group.desired), incarnation }
    }

    fn is_victim(&self, member: &Member, target: &TargetId) -> bool {
        // If none was recorded, names are never used twice.
        let is_it = self.incarnation.as_deref().is_none_or(|own| {
            // Some earlier versions wrote ids of Azure unchanged, including capitals.
            member.incarnation.as_deref().is_some_and(|found| found.eq_ignore_ascii_case(own))
        });
        member.target.id() == target && is_it
    }
}

#[async_trait]
impl Look for AwaitReplacement {
    async fn look(&self, scope: &RecoveryScope) -> Result<Verdict> {
        let group = match scope.fresh_group().await {
            Ok(group) => group,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Verdict::Gone(format!("the whole group no longer exists: {}", error.chain())));
            }
            Err(error) => return Err(error),
        };
        let is_victim = |member: &Member| self.is_victim(member, scope.target_id());
        let whole = self.healthy.min(group.desired);
        let victim = group.members.iter().find(|member| is_victim(member)).map(|member| member.health);
        if victim == Some(Health::Healthy) {
            return Ok(match scope.injection() {
                Injection::Returned => Verdict::NotYet("the terminated target still runs".to_owned()),
                _ if group.healthy() >= whole => Verdict::Back,
                _ => Verdict::NotYet(how_healthy(&group, whole)),
            });
        }
        scope.reach(Milestone::DetectedUnhealthy);
        if matches!(victim, None | Some(Health::Gone)) {
            // Nothing brings it back, so no late termination can follow.
            scope.see_effect();
        }
        match victim {
            None | Some(Health::Gone) if !self.replaced => {
                return Ok(Verdict::Gone(
                    "the target is terminated, and the group does not replace its members".to_owned(),
                ));
            }
            Some(health) if !self.replaced => {
                return Ok(Verdict::NotYet(format!("the terminated target is {health}, not gone yet")));
            }
            _ => {}
        }
        let mut others = group;
        others.members.retain(|member| !is_victim(member));
        let text = how_healthy(&others, whole);
        others.members.retain(|member| !matches!(member.health, Health::Gone | Health::Stopped));
        if others.in_service() >= whole {
            scope.reach(Milestone::Replaced);
        }
        if others.healthy() < whole {
            return Ok(Verdict::NotYet(text));
        }
        scope.reach(Milestone::Healthy);
        Ok(Verdict::Back)
    }
}

#[async_trait]
impl Recovery for AwaitReplacement {
    const KIND: &'static str = "chaos-events/await-replacement/1";

    async fn recover(&self, scope: &RecoveryScope, _: &Permit) -> Result<()> {
        until_back(scope, self).await
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        self.look(scope).await
    }

    fn by_hand(&self, target: &TargetId, _: FaultId) -> String {
        let (group, whole) = (target.group(), self.healthy);
        if self.replaced {
            format!(
                "Nothing brings {target} back. Its group replaces it: check that {whole} of the members of {group} \
                 are healthy. If no new member appears, ask the group's platform why, or add one by hand."
            )
        } else {
            format!(
                "Nothing brings {target} back, and its group {group} does not replace its members: add a member by \
                 hand if you need {whole} healthy ones."
            )
        }
    }
}
