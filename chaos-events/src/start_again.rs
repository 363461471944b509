use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chaos_core::{
    Capability, ErrorKind, FaultId, Group, Health, Permit, Recovery, RecoveryScope, Result, Target, TargetId,
    Verdict,
    capability::Lifecycle,
    fault::{Injection, Milestone},
    group::Member,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    group_health::how_healthy,
    pace::{Look, until_back},
};

/// How long an order to start may take before it is repeated.
const START_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Starts the target again and waits until it is healthy: the recovery of [`Stop`](crate::Stop) and
/// [`Reboot`](crate::Reboot).
///
/// If the target is gone for good meanwhile, a group that replaces its members, or its stopped members, must be as
/// healthy again as before. In any other group, nothing is left to undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StartAgain {
    /// Whether the group replaces its members, even if only stopped ones.
    pub replaced: bool,
    /// The number of healthy members that makes the group whole.
    pub healthy: usize,
    /// Whether the recovery begins together with the fault. Then the first look that sees the target down gives the
    /// time of detection.
    pub from_the_beginning: bool,
    /// A shell command with which a person starts the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// The state in which the target was found.
enum Found {
    Here(Health),
    Gone,
}

impl Found {
    fn of(health: Health) -> Self {
        if health == Health::Gone { Self::Gone } else { Self::Here(health) }
    }
}

impl StartAgain {
    /// Brings back a member of `group`, as the group is now.
    pub fn of(group: &Group) -> Self {
        Self {
            replaced: group.replaces_members || group.replaces_stopped,
            healthy: group.healthy().min(group.desired),
            from_the_beginning: false,
            command: None,
        }
    }

    /// Adds the command by which a person starts the target of `lifecycle`.
    #[must_use]
    pub fn by_hand_as(mut self, lifecycle: &dyn Lifecycle) -> Self {
        self.command = lifecycle.by_hand(Capability::Start);
        self
    }

    /// Times from the first look that sees the target down.
    #[must_use]
    pub fn from_the_beginning(mut self) -> Self {
        self.from_the_beginning = true;
        self
    }

    async fn find(&self, scope: &RecoveryScope) -> Result<Found> {
        let Some(target) = scope.fresh_target().await? else { return Ok(Found::Gone) };
        let health = target.health().await?;
        Ok(Found::of(health))
    }

    async fn judge(&self, scope: &RecoveryScope, found: &Found) -> Result<Verdict> {
        let is_down = !matches!(found, Found::Here(Health::Healthy));
        if is_down && self.from_the_beginning {
            scope.reach(Milestone::DetectedUnhealthy);
        }
        match found {
            Found::Here(Health::Healthy) => {
                if scope.injection() != Injection::NeverBegan {
                    scope.reach(Milestone::Healthy);
                }
                Ok(Verdict::Back)
            }
            Found::Here(health) => Ok(Verdict::NotYet(format!("the target is {health}"))),
            Found::Gone => self.look_at_group(scope).await,
        }
    }

    /// The target is gone. Checks whether its group has recovered from that.
    async fn look_at_group(&self, scope: &RecoveryScope) -> Result<Verdict> {
        let mut group = match scope.fresh_group().await {
            Ok(group) => group,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Verdict::Gone(format!("the whole group no longer exists: {}", error.chain())));
            }
            Err(error) => return Err(error),
        };
        if !self.replaced {
            return Ok(Verdict::Gone(
                "the target no longer exists, and its group does not replace its \
                members"
                    .to_owned(),
            ));
        }
        let has_its_name = |member: &&Member| member.target.id() == scope.target_id();
        let is_up = group
            .members
            .iter()
            .find(has_its_name)
            .is_some_and(|member| member.is_healthy() && is_another(scope, member));
        // A restarted target may come back as another one. Then it is back, whatever the state of the other members.
        if self.from_the_beginning && is_up {
            scope.reach(Milestone::Healthy);
            return Ok(Verdict::Back);
        }
        // A group may list a target for a while after it is gone. Another one with its name is a replacement.
        let is_gone = |member: &Member| member.target.id() == scope.target_id() && !is_another(scope, member);
        group.members.retain(|member| !is_gone(member));
        let whole = self.healthy.min(group.desired);
        if group.healthy() < whole {
            return Ok(Verdict::NotYet(format!("the target is gone; {}", how_healthy(&group, whole))));
        }
        scope.reach(Milestone::Replaced);
        scope.reach(Milestone::Healthy);
        Ok(Verdict::Back)
    }
}

/// Whether this member only has the name of the fault's target.
fn is_another(scope: &RecoveryScope, member: &Member) -> bool {
    scope.incarnation().zip(member.incarnation.as_deref()).is_some_and(|(one, other)| one != other)
}

/// Looks, and starts the target if it is down. On some platforms, a target that is still stopping cannot be started, so
/// one start would not be enough.
struct Starter<'a> {
    recovery: &'a StartAgain,
    permit: &'a Permit,
    started: Mutex<Option<Timestamp>>,
}

impl Starter<'_> {
    /// Whether it is time to start the target. A health check cannot tell whether it was ever stopped, because a
    /// stopped target may appear as unhealthy. If the injection never began, the target is started only if it is
    /// certainly stopped.
    fn is_due(&self, scope: &RecoveryScope, target: &Arc<dyn Target>, health: Health) -> bool {
        let is_down = match health {
            Health::Healthy | Health::Gone => false,
            Health::Stopped => true,
            _ => scope.injection() != Injection::NeverBegan,
        };
        if !is_down || !target.capabilities().set().contains(Capability::Start) {
            return false;
        }
        let now = scope.clock().now();
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = SignedDuration::try_from(START_AGAIN_AFTER).unwrap_or(SignedDuration::ZERO);
        let is_due = started.is_none_or(|before| now.duration_since(before).abs() >= pause);
        if is_due {
            *started = Some(now);
        }
        is_due
    }
}

#[async_trait]
impl Look for Starter<'_> {
    async fn look(&self, scope: &RecoveryScope) -> Result<Verdict> {
        let Some(target) = scope.fresh_target().await? else {
            return self.recovery.judge(scope, &Found::Gone).await;
        };
        let health = target.health().await;
        // A target that may be down and cannot be looked at is started anyway, because looks may be refused for longer
        // than orders.
        if self.is_due(scope, &target, health.as_ref().map_or(Health::Unknown, |health| *health)) {
            target.capabilities().lifecycle()?.start(self.permit).await?;
            health?;
            return self.recovery.judge(scope, &self.recovery.find(scope).await?).await;
        }
        self.recovery.judge(scope, &Found::of(health?)).await
    }
}

#[async_trait]
impl Recovery for StartAgain {
    const KIND: &'static str = "chaos-events/start-again/1";

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        until_back(scope, &Starter { recovery: self, permit, started: Mutex::new(None) }).await
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        self.judge(scope, &self.find(scope).await?).await
    }

    fn by_hand(&self, target: &TargetId, _: FaultId) -> String {
        let gone = if self.replaced {
            let whole = self.healthy;
            format!(
                "its group replaces it: check that {whole} of the members of {} are healthy.",
                target.group()
            )
        } else {
            "there is nothing left to undo: its group does not replace its members.".to_owned()
        };
        let start = match &self.command {
            Some(command) => {
                format!("Start {target} again, unless it runs:\n    {command}\nWait until it is healthy.")
            }
            None => format!(
                "Start {target} again with the tools of its platform, unless it runs, and wait until it is healthy."
            ),
        };
        format!("{start} If it is gone for good, {gone}")
    }
}
