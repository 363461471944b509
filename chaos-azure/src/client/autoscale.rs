//! `Microsoft.Insights/autoscaleSettings`, which restore the number of instances of a scale set.

use std::{collections::BTreeMap, sync::Arc};

use azure_core::http::Url;
use chaos_core::{
    Error, ErrorKind, Result,
    clock::Clock,
    listing::{Together, pages},
};
use futures_util::TryStreamExt;
use serde::Deserialize;

use crate::{
    client::arm::Arm,
    model::{resource_id::ResourceId, set_path::SetPath},
};

const API_VERSION: &str = "2022-10-01";

/// The requests of `Microsoft.Insights` that this crate makes.
#[derive(Clone, Debug)]
pub(crate) struct Autoscale {
    arm: Arc<Arm>,
    looks: Arc<Together<String, Arc<Minima>>>,
}

/// The minimum number of instances by the autoscale settings of a subscription, for each scale set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Minima(BTreeMap<SetPath, usize>);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    value: Vec<Setting>,
    #[serde(default)]
    next_link: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Setting {
    properties: Properties,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    enabled: bool,
    /// A setting without a target is for no scale set.
    #[serde(default)]
    target_resource_uri: Option<String>,
    profiles: Vec<Profile>,
}

#[derive(Debug, Deserialize)]
struct Profile {
    capacity: Capacity,
}

/// Numbers, which Azure writes as strings.
#[derive(Debug, Deserialize)]
struct Capacity {
    minimum: String,
}

impl Minima {
    /// The minimum number of instances of a scale set; `None` if no setting enforces one.
    pub(crate) fn of(&self, set: &SetPath) -> Option<usize> {
        self.0.get(set).copied()
    }

    /// # Errors
    /// `Unavailable` if a minimum is not a number.
    fn add(&mut self, settings: Vec<Setting>) -> Result<()> {
        for Setting { properties } in settings {
            let target = properties.target_resource_uri.as_deref();
            let target = target.and_then(|id| ResourceId::parse(id).ok());
            // The time decides which of several profiles is active, so only the smallest minimum of all is certain.
            let minima = properties.profiles.iter().map(|profile| profile.capacity.fewest());
            let minimum = minima.collect::<Result<Vec<usize>>>()?.into_iter().min();
            if let (true, Some(target), Some(minimum)) = (properties.enabled, target, minimum) {
                self.0.insert(SetPath::of(&target), minimum);
            }
        }
        Ok(())
    }
}

impl Capacity {
    fn fewest(&self) -> Result<usize> {
        self.minimum.trim().parse().map_err(|error| {
            Error::new(ErrorKind::Unavailable, "an autoscale setting has a minimum that is not a number")
                .with("minimum", &self.minimum)
                .caused_by(error)
        })
    }
}

impl Autoscale {
    pub(crate) fn new(arm: Arc<Arm>, clock: Arc<dyn Clock>) -> Self {
        Self { arm, looks: Arc::new(Together::new(clock)) }
    }

    /// The current settings. Concurrent callers share one listing.
    pub(crate) async fn minima(&self, subscription: &str) -> Result<Arc<Minima>> {
        let (autoscale, of) = (self.clone(), subscription.to_owned());
        self.looks.ask(of.clone(), || async move { autoscale.listed(&of).await.map(Arc::new) }).await
    }

    async fn listed(&self, subscription: &str) -> Result<Minima> {
        let path = format!("/subscriptions/{subscription}/providers/Microsoft.Insights/autoscalesettings");
        let first = self.arm.at(&path, API_VERSION);
        let fetch = |next: Option<String>| {
            let (arm, first) = (Arc::clone(&self.arm), first.clone());
            async move {
                let at: Url = next.map_or(Ok(first), |address| arm.given(&address))?;
                let page: Page = arm.get(at).await?.read()?;
                Ok((page.value, page.next_link))
            }
        };
        let mut minima = Minima::default();
        let mut listing = Box::pin(pages(fetch));
        while let Some(settings) = listing.try_next().await? {
            minima.add(settings)?;
        }
        Ok(minima)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SET: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/Shop/providers/\
                       Microsoft.Compute/virtualMachineScaleSets/API";

    fn minimum(enabled: bool, target: &str, profiles: Value) -> Option<usize> {
        told(enabled, target, profiles).unwrap()
    }

    fn told(enabled: bool, target: &str, profiles: Value) -> Result<Option<usize>> {
        let properties = json!({ "enabled": enabled, "targetResourceUri": target, "profiles": profiles });
        let setting = json!({ "properties": properties });
        let mut minima = Minima::default();
        minima.add(vec![serde_json::from_value(setting).unwrap()])?;
        Ok(minima.of(&SetPath::of(&ResourceId::parse(&SET.to_lowercase()).unwrap())))
    }

    #[test]
    fn only_what_is_in_force_at_all_hours_counts() {
        let profile = |minimum: &str| {
            json!({
                "name": "p", "capacity": { "minimum": minimum, "maximum": "9", "default": "5" },
            })
        };
        assert_eq!(minimum(true, SET, json!([profile("3")])), Some(3));
        assert_eq!(minimum(true, SET, json!([profile("5"), profile("2")])), Some(2));
        assert_eq!(minimum(false, SET, json!([profile("3")])), None);
        assert_eq!(minimum(true, SET, json!([])), None);
        assert_eq!(minimum(true, &SET.replace("API", "web"), json!([profile("3")])), None);
        assert_eq!(minimum(true, "/somewhere/else", json!([profile("3")])), None);
        let many = told(true, SET, json!([profile("many")])).unwrap_err();
        assert!(many.to_string().contains("minimum=\"many\""), "{many}");
    }

    #[test]
    fn what_decides_and_is_missing_is_no_value() {
        for missing in ["enabled", "profiles"] {
            let mut setting =
                json!({ "properties": { "enabled": true, "targetResourceUri": SET, "profiles": [] } });
            setting["properties"].as_object_mut().unwrap().remove(missing);
            let told = serde_json::from_value::<Setting>(setting);
            assert!(told.unwrap_err().to_string().contains(missing));
        }
    }
}
