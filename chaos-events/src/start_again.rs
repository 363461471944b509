use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chaos_core::{
    ErrorKind, Group, Health, Injection, Milestone, Permit, Recovery, Result, Scope, Target, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::pace::{Look, settled, until_back};

/// Starts the target again and waits until it is healthy: the recovery of [`Stop`](crate::Stop) and
/// [`Reboot`](crate::Reboot).
///
/// Where the target is gone for good meanwhile, a group that replaces its members must be as healthy again as it was; one
/// that does not has nothing left to undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StartAgain {
    /// Whether the group replaces its members.
    pub replaced: bool,
    /// How many healthy members make the group whole.
    pub healthy: usize,
    /// How long the target must stay healthy where it is not known whether the injection happened.
    pub settle: Duration,
}

/// Where the target was found.
enum Found {
    Here(Arc<dyn Target>, Health),
    Gone,
}

impl StartAgain {
    /// Brings a member of `group`, as it is now, back.
    pub fn of(group: &Group, settle: Duration) -> Self {
        Self { replaced: group.replaces_members, healthy: group.healthy().min(group.desired), settle }
    }

    async fn find(&self, scope: &Scope) -> Result<Found> {
        let Some(target) = scope.fresh_target().await? else {
            return Ok(Found::Gone);
        };
        Ok(match target.health().await? {
            Health::Gone => Found::Gone,
            health => Found::Here(target, health),
        })
    }

    /// The target is gone: has its group got over it?
    async fn look_at_group(&self, scope: &Scope) -> Result<Verdict> {
        let group = match scope.fresh_group().await {
            Ok(group) => group,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Verdict::Gone(format!("the whole group exists no more: {}", error.chain())));
            }
            Err(error) => return Err(error),
        };
        if !self.replaced {
            return Ok(Verdict::Gone("the target exists no more, and its group replaces nobody".to_owned()));
        }
        let healthy = group.healthy();
        if healthy < self.healthy {
            return Ok(Verdict::NotYet(format!(
                "the target is gone; {healthy} of {} members are healthy",
                self.healthy
            )));
        }
        scope.reach(Milestone::Replaced);
        scope.reach(Milestone::Healthy);
        Ok(Verdict::Back)
    }
}

#[async_trait]
impl Look for StartAgain {
    async fn look(&self, scope: &Scope) -> Result<Verdict> {
        match self.find(scope).await? {
            Found::Here(_, Health::Healthy) => {
                if scope.injection() != Injection::NeverBegan {
                    scope.reach(Milestone::Healthy);
                }
                Ok(Verdict::Back)
            }
            Found::Here(_, health) => Ok(Verdict::NotYet(format!("the target is {health}"))),
            Found::Gone => self.look_at_group(scope).await,
        }
    }
}

/// Looks, and starts what it finds stopped. On some platforms a target that is on its way down cannot be started before it has
/// arrived there, so that starting once would not do.
struct Starter<'a> {
    recovery: &'a StartAgain,
    permit: &'a Permit,
}

#[async_trait]
impl Look for Starter<'_> {
    async fn look(&self, scope: &Scope) -> Result<Verdict> {
        if let Found::Here(target, Health::Stopped) = self.recovery.find(scope).await? {
            target.capabilities().lifecycle()?.start(self.permit).await?;
        }
        self.recovery.look(scope).await
    }
}

#[async_trait]
impl Recovery for StartAgain {
    const KIND: &'static str = "chaos-events/start-again/1";

    async fn recover(&self, scope: &Scope, permit: &Permit) -> Result<()> {
        until_back(scope, &Starter { recovery: self, permit }).await
    }

    async fn verify(&self, scope: &Scope) -> Result<Verdict> {
        settled(scope, self.settle, self).await
    }
}
