//! A preparation, and its traces.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use chaos_core::{
    CapabilitySet, ChaosEvent, Error, ErrorKind, Group, Health, Hold, Prepared, Result, Scope, TargetId,
};

use crate::{stage::Reading, trial::held};

/// The health and the incarnation of every member of a group.
pub(super) type Members = BTreeMap<TargetId, (Health, Option<Arc<str>>)>;

pub(super) async fn members(group: &Group) -> Result<Members> {
    let mut members = Members::new();
    for member in &group.members {
        let health = member.target.health().await?;
        members.insert(member.target.id().clone(), (health, member.incarnation.clone()));
    }
    Ok(members)
}

#[derive(Debug)]
pub(super) struct Preparation {
    pub(super) before: Members,
    pub(super) after: Members,
    /// The fingerprints before and after, if the fixture has one.
    pub(super) fingerprints: Option<(String, String)>,
    pub(super) recovery_kind: Result<&'static str>,
}

/// An event that is prepared, but never injected.
pub(super) struct OnlyPrepared {
    pub(super) inner: Arc<dyn ChaosEvent>,
    pub(super) fingerprint: Option<Reading>,
    pub(super) seen: Arc<Mutex<Option<Preparation>>>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChaosEvent for OnlyPrepared {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn requires(&self) -> CapabilitySet {
        self.inner.requires()
    }

    fn hold(&self) -> Hold {
        self.inner.hold()
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        self.inner.suits(group)
    }

    fn caveat(&self, group: &Group) -> Option<String> {
        self.inner.caveat(group)
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let read = async || match &self.fingerprint {
            Some(fingerprint) => fingerprint.read().await.map(Some),
            None => Ok(None),
        };
        let (before, fingerprint) = (members(&scope.fresh_group().await?).await?, read().await?);
        let prepared = self.inner.prepare(scope).await;
        let after = members(&scope.fresh_group().await?).await?;
        let fingerprints = fingerprint.zip(read().await?);
        let recovery_kind = prepared.map(|prepared| prepared.recovery_kind());
        *held(&self.seen) = Some(Preparation { before, after, fingerprints, recovery_kind });
        Err(Error::new(ErrorKind::Refused, "the contract suite only prepares this event"))
    }
}

impl fmt::Debug for OnlyPrepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
