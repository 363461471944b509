use std::{sync::Arc, time::Duration};

use chaos_core::{ChaosEvent, Error, ErrorKind, GroupId, Provider, Result, TargetId};
use serde_json::{Value, json};

use super::{
    Call, Deed,
    choice::Share,
    function::{Blow, On},
};

/// What a function is about to inject, and where. Nothing has been touched yet.
#[derive(Debug)]
pub(crate) struct Aim {
    providers: Vec<Arc<dyn Provider>>,
    pub(crate) shares: Vec<Share>,
    pub(crate) event: Arc<dyn ChaosEvent>,
    pub(crate) blow: Blow,
    on: On,
}

impl Aim {
    /// Looks for the targets. An event without a duration is held for `rest`. `draw` chooses one of many.
    ///
    /// # Errors
    /// `Refused` if not all that were asked for can be hit, with group, number and limit; and if nobody could look.
    pub(crate) async fn of(call: &Call, rest: Duration, draw: u64) -> Result<Self> {
        let Deed::Strike(blow, on) = call.function.does else {
            return Err(Error::unsupported("the function injects nothing"));
        };
        let event = blow.event(&call.arguments, rest)?;
        let (providers, shares) = targets(call, blow, on, draw).await?;
        Ok(Self { providers, shares, event, blow, on })
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
        let verb = match self.blow {
            Blow::Terminate => "Terminating",
            Blow::Stop | Blow::Deallocate => "Stopping",
            _ => "Restarting",
        };
        match self.on {
            On::AutoScalingGroups => {
                let entry = |(group, victims): &(GroupId, Vec<TargetId>)| {
                    let name = group.path().splitn(3, '/').last().unwrap_or_default();
                    json!({ "AutoScalingGroupName": name, format!("{verb}Instances"): instances(victims) })
                };
                hit.iter().map(entry).collect()
            }
            On::Instance | On::Instances => {
                let victims: Vec<TargetId> = hit.iter().flat_map(|(_, victims)| victims.clone()).collect();
                json!([{ format!("{verb}Instances"): instances(&victims) }])
            }
            On::Machines | On::ScaleSets => {
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

async fn targets(call: &Call, blow: Blow, on: On, draw: u64) -> Result<(Vec<Arc<dyn Provider>>, Vec<Share>)> {
    match on {
        #[cfg(feature = "aws")]
        On::AutoScalingGroups | On::Instance | On::Instances => super::aws::targets(call, on, draw).await,
        #[cfg(feature = "azure")]
        On::Machines | On::ScaleSets => super::azure::targets(call, blow, on, draw).await,
        #[cfg(not(all(feature = "aws", feature = "azure")))]
        _ => {
            let _ = (blow, draw);
            Err(call.lacks_feature())
        }
    }
}
