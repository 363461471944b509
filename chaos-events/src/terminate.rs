use std::time::Duration;

use async_trait::async_trait;
use chaos_core::{
    Capability, CapabilitySet, ChaosEvent, ErrorKind, Group, Health, Hold, Injection, Member, Milestone,
    Permit, Prepared, Recovery, Result, Scope, TargetId, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::pace::{Look, SETTLE, settled, until_back};

/// Ends a target for good, as abruptly as its platform can.
///
/// Only in groups that replace their members, because a termination cannot be undone: its recovery,
/// [`AwaitReplacement`], watches the group heal and times it.
///
/// ```
/// use chaos_core::{MemoryJournal, Monkey, Outcome, memory::MemoryProvider};
/// use chaos_events::Terminate;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> chaos_core::Result<()> {
/// let monkey = Monkey::builder()
///     .provider(MemoryProvider::default().with_group("web", 5)?)
///     .event(Terminate::default())
///     .unleash(MemoryJournal::new(), chaos_events::registry())
///     .build()?;
/// let report = monkey.run_once().await?;
/// assert_eq!(report.outcome(), Outcome::Completed);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Terminate {
    anywhere: bool,
    settle: Duration,
}

impl Default for Terminate {
    fn default() -> Self {
        Self { anywhere: false, settle: SETTLE }
    }
}

impl Terminate {
    /// Allows groups that replace nobody. There the fault counts as over when the target is gone: nothing brings it back.
    #[must_use]
    pub fn even_without_replacement(mut self) -> Self {
        self.anywhere = true;
        self
    }

    /// Sets how long a group must stay whole before a termination whose reply was lost counts as never having happened.
    /// Default 5 s.
    #[must_use]
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }
}

#[async_trait]
impl ChaosEvent for Terminate {
    fn name(&self) -> &'static str {
        "terminate"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Terminate])
    }

    fn hold(&self) -> Hold {
        Hold::MOMENTARY
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        if group.replaces_members || self.anywhere {
            Ok(())
        } else {
            Err("the group does not replace its members, and a termination cannot be undone".to_owned())
        }
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let lifecycle = scope.target()?.capabilities().lifecycle()?.clone();
        let recovery = AwaitReplacement::of(scope.group()?, scope.target_id(), self.settle);
        Ok(Prepared::new(recovery, |permit| Box::pin(async move { lifecycle.terminate(permit).await })))
    }
}

/// Waits until the group is as whole and as healthy as it was, without the target that was terminated.
///
/// Marks when the group was first seen without the healthy target, when it had as many members again, and when they were
/// healthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AwaitReplacement {
    /// Whether the group replaces its members.
    pub replaced: bool,
    /// How many healthy members make the group whole.
    pub healthy: usize,
    /// Tells the target from a replacement under the same id.
    pub incarnation: Option<String>,
    /// How long the group must stay whole where it is not known whether the termination happened.
    pub settle: Duration,
}

impl AwaitReplacement {
    /// Waits for `group` to be as healthy as it is now, up to its desired size, once `target` is gone.
    pub fn of(group: &Group, target: &TargetId, settle: Duration) -> Self {
        let incarnation =
            group.member(target).and_then(|member| member.incarnation.as_deref().map(str::to_owned));
        Self {
            replaced: group.replaces_members,
            healthy: group.healthy().min(group.desired),
            incarnation,
            settle,
        }
    }

    fn is_victim(&self, member: &Member, target: &TargetId) -> bool {
        member.target.id() == target && member.incarnation.as_deref() == self.incarnation.as_deref()
    }
}

#[async_trait]
impl Look for AwaitReplacement {
    async fn look(&self, scope: &Scope) -> Result<Verdict> {
        let group = match scope.fresh_group().await {
            Ok(group) => group,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Verdict::Gone(format!("the whole group exists no more: {}", error.chain())));
            }
            Err(error) => return Err(error),
        };
        let is_victim = |member: &Member| self.is_victim(member, scope.target_id());
        let victim_is_well =
            group.members.iter().any(|member| is_victim(member) && member.health == Health::Healthy);
        if victim_is_well {
            let healthy = group.healthy();
            return Ok(match scope.injection() {
                Injection::Returned => Verdict::NotYet("the terminated target still runs".to_owned()),
                _ if healthy >= self.healthy => Verdict::Back,
                _ => Verdict::NotYet(format!("{healthy} of {} members are healthy", self.healthy)),
            });
        }
        scope.reach(Milestone::DetectedUnhealthy);
        if !self.replaced {
            return Ok(Verdict::Gone("the target is terminated, and the group replaces nobody".to_owned()));
        }
        let others = || group.members.iter().filter(|member| !is_victim(member));
        let present =
            others().filter(|member| !matches!(member.health, Health::Gone | Health::Stopped)).count();
        let healthy = others().filter(|member| member.health == Health::Healthy).count();
        if present >= self.healthy {
            scope.reach(Milestone::Replaced);
        }
        if healthy < self.healthy {
            return Ok(Verdict::NotYet(format!("{healthy} of {} members are healthy", self.healthy)));
        }
        scope.reach(Milestone::Healthy);
        Ok(Verdict::Back)
    }
}

#[async_trait]
impl Recovery for AwaitReplacement {
    const KIND: &'static str = "chaos-events/await-replacement/1";

    async fn recover(&self, scope: &Scope, _: &Permit) -> Result<()> {
        until_back(scope, self).await
    }

    async fn verify(&self, scope: &Scope) -> Result<Verdict> {
        settled(scope, self.settle, self).await
    }
}
