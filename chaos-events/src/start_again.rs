use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chaos_core::{
    Capability, ErrorKind, FaultId, Group, Health, Permit, Recovery, Result, Scope, Target, TargetId,
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

/// How long an order to start is left to take effect before it is given again.
const START_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Starts the target again and waits until it is healthy: the recovery of [`Stop`](crate::Stop) and
/// [`Reboot`](crate::Reboot).
///
/// Where the target is gone for good meanwhile, a group that replaces its members, or those that are stopped, must be
/// as healthy again as it was; one that does not has nothing left to undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StartAgain {
    /// Whether the group replaces its members, be it only those that are stopped.
    pub replaced: bool,
    /// How many healthy members make the group whole.
    pub healthy: usize,
    /// Whether the recovery begins with the fault, so that its first look at a target that is down tells when that was
    /// seen.
    pub from_the_beginning: bool,
    /// How a person starts the target with the tools of its platform: a command for a shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// Where the target was found.
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
    /// Brings a member of `group`, as it is now, back.
    pub fn of(group: &Group) -> Self {
        Self {
            replaced: group.replaces_members || group.replaces_stopped,
            healthy: group.healthy().min(group.desired),
            from_the_beginning: false,
            command: None,
        }
    }

    /// Tells whoever has to do it by hand how `lifecycle` would start the target.
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

    async fn find(&self, scope: &Scope) -> Result<Found> {
        let Some(target) = scope.fresh_target().await? else { return Ok(Found::Gone) };
        let health = target.health().await?;
        Ok(Found::of(health))
    }

    async fn judge(&self, scope: &Scope, found: &Found) -> Result<Verdict> {
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

    /// The target is gone: has its group got over it?
    async fn look_at_group(&self, scope: &Scope) -> Result<Verdict> {
        let mut group = match scope.fresh_group().await {
            Ok(group) => group,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Verdict::Gone(format!("the whole group exists no more: {}", error.chain())));
            }
            Err(error) => return Err(error),
        };
        if !self.replaced {
            return Ok(Verdict::Gone("the target exists no more, and its group replaces nobody".to_owned()));
        }
        let has_its_name = |member: &&Member| member.target.id() == scope.target_id();
        let is_up = group
            .members
            .iter()
            .find(has_its_name)
            .is_some_and(|member| member.is_healthy() && is_another(scope, member));
        // What is restarted may come back as another one, and then it is back whatever becomes of its fellows.
        if self.from_the_beginning && is_up {
            scope.reach(Milestone::Healthy);
            return Ok(Verdict::Back);
        }
        // A group may list for a while who is gone. Another one of its name is a replacement.
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

/// Whether this member only bears the name of the one that the fault is about.
fn is_another(scope: &Scope, member: &Member) -> bool {
    scope.incarnation().zip(member.incarnation.as_deref()).is_some_and(|(one, other)| one != other)
}

/// Looks, and starts what it finds down. On some platforms a target that is on its way down cannot be started before it
/// has arrived there, so that starting once would not do.
struct Starter<'a> {
    recovery: &'a StartAgain,
    permit: &'a Permit,
    started: Mutex<Option<Timestamp>>,
}

impl Starter<'_> {
    /// Whether it is time to start the target. Whether it was ever stopped is not for a health check to say: one that
    /// is down may show as unhealthy. Where the injection never began, only what is stopped for certain is started.
    fn is_due(&self, scope: &Scope, target: &Arc<dyn Target>, health: Health) -> bool {
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
    async fn look(&self, scope: &Scope) -> Result<Verdict> {
        let Some(target) = scope.fresh_target().await? else {
            return self.recovery.judge(scope, &Found::Gone).await;
        };
        let health = target.health().await;
        // A target that may be down and cannot be looked at is started all the same: looks may be refused for longer
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

    async fn recover(&self, scope: &Scope, permit: &Permit) -> Result<()> {
        until_back(scope, &Starter { recovery: self, permit, started: Mutex::new(None) }).await
    }

    async fn verify(&self, scope: &Scope) -> Result<Verdict> {
        self.judge(scope, &self.find(scope).await?).await
    }

    fn by_hand(&self, target: &TargetId, _: FaultId) -> String {
        let gone = if self.replaced {
            let whole = self.healthy;
            format!(
                "its group replaces it: see that {whole} of the members of {} are healthy.",
                target.group()
            )
        } else {
            "there is nothing left to undo: its group replaces nobody.".to_owned()
        };
        let start = match &self.command {
            Some(command) => {
                format!("Start {target} again, unless it runs:\n    {command}\nWait until it is healthy.")
            }
            None => format!(
                "Start {target} again with the tools of its platform, unless it runs, and wait until it is healthy."
            ),
        };
        format!("{start} Where it is gone for good, {gone}")
    }
}
