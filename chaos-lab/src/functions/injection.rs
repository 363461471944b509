use std::{sync::Arc, time::Duration};

use chaos_core::{ChaosEvent, Error, ErrorKind, GroupId, Provider, Result, TargetId};
use serde_json::{Value, json};

use super::{
    Call,
    choice::Share,
    function::{EventKind, Operation, TargetKind},
};

/// What a function is about to inject, and where. Nothing has been touched yet.
#[derive(Debug)]
pub(crate) struct Injection {
    providers: Vec<Arc<dyn Provider>>,
    pub(crate) shares: Vec<Share>,
    pub(crate) event: Arc<dyn ChaosEvent>,
    pub(crate) event_kind: EventKind,
    target_kind: TargetKind,
}

impl Injection {
    /// Looks for the targets. An event without a duration is held for `rest`. `draw` chooses one of many.
    ///
    /// # Errors
    /// `Refused` if not all that were asked for can be hit, with group, number and limit; and if nobody could look.
    pub(crate) async fn of(call: &Call, rest: Duration, draw: u64) -> Result<Self> {
        let Operation::Inject(event_kind, target_kind) = call.function.operation else {
            return Err(Error::unsupported("the function injects nothing"));
        };
        let event = event_kind.event(&call.arguments, rest)?;
        let (providers, shares) = targets(call, event_kind, target_kind, draw).await?;
        Ok(Self { providers, shares, event, event_kind, target_kind })
    }

    /// The provider of a group.
    ///
    /// # Errors
    /// `NotFound` if none has its scheme.
    pub(crate) fn provider(&self, group: &GroupId) -> Result<Arc<dyn Provider>> {
        let found = self.providers.iter().find(|provider| provider.scheme() == group.scheme());
        found
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "no provider has this group").with("group", group))
    }

    /// What the function returns, in the form of its extension: the victims that were hit.
    pub(crate) fn output(&self, hit: &[(GroupId, Vec<TargetId>)]) -> Value {
        let verb = match self.event_kind {
            EventKind::Terminate => "Terminating",
            EventKind::Stop | EventKind::Deallocate => "Stopping",
            _ => "Restarting",
        };
        match self.target_kind {
            TargetKind::AutoScalingGroups => {
                let entry = |(group, victims): &(GroupId, Vec<TargetId>)| {
                    let name = group.path().splitn(3, '/').last().unwrap_or_default();
                    json!({ "AutoScalingGroupName": name, format!("{verb}Instances"): instances(victims) })
                };
                hit.iter().map(entry).collect()
            }
            TargetKind::Instance | TargetKind::Instances => {
                let victims: Vec<TargetId> = hit.iter().flat_map(|(_, victims)| victims.clone()).collect();
                json!([{ format!("{verb}Instances"): instances(&victims) }])
            }
            TargetKind::Machines | TargetKind::ScaleSets => {
                let victims = hit.iter().flat_map(|(_, victims)| victims);
                let resource = |id: &TargetId| json!({ "name": id.name(), "id": id.to_string() });
                json!({ "resources": victims.map(resource).collect::<Vec<_>>() })
            }
        }
    }
}

fn instances(victims: &[TargetId]) -> Vec<Value> {
    victims.iter().map(|id| json!({ "InstanceId": id.name() })).collect()
}

async fn targets(
    call: &Call,
    event: EventKind,
    of: TargetKind,
    draw: u64,
) -> Result<(Vec<Arc<dyn Provider>>, Vec<Share>)> {
    match of {
        #[cfg(feature = "aws")]
        TargetKind::AutoScalingGroups | TargetKind::Instance | TargetKind::Instances => {
            super::aws::targets(call, of, draw).await
        }
        #[cfg(feature = "azure")]
        TargetKind::Machines | TargetKind::ScaleSets => super::azure::targets(call, event, of, draw).await,
        #[cfg(not(all(feature = "aws", feature = "azure")))]
        _ => {
            let _ = (event, draw);
            Err(call.lacks_feature())
        }
    }
}
