use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use chaos_core::{
    Error, GroupId, Provider, Result,
    catalogue::{Arguments, OpenProvider, Opened, Parameter, ProviderSpec},
    plan::FailureDomain,
};

use crate::{
    availability_sets::AvailabilitySets,
    builder::AzureBuilder,
    model::machine::{AVAILABILITY_ZONE_LABEL, FAULT_DOMAIN_LABEL},
    scale_sets::ScaleSets,
};

/// The schemes of the ids of availability sets and of scale sets.
const SCHEMES: [&str; 2] = ["azure-avset", "azure-vmss"];

/// Availability sets and scale sets, for a [`ProviderCatalogue`](chaos_core::catalogue::ProviderCatalogue).
///
/// If `AZURE_RESOURCE_MANAGER_ENDPOINT` is set, calls go to that Resource Manager. If it belongs to one of Azure's
/// clouds, the identities of that cloud are used.
///
/// ```
/// use chaos_azure::AzureProvider;
/// use chaos_core::catalogue::ProviderCatalogue;
///
/// let catalogue = ProviderCatalogue::default().register(AzureProvider::default());
/// assert!(catalogue.knows("azure-avset") && catalogue.knows("azure-vmss"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AzureProvider {}

#[async_trait]
impl OpenProvider for AzureProvider {
    fn spec(&self) -> ProviderSpec {
        ProviderSpec::new("azure", SCHEMES, "Availability sets and scale sets")
            .with(
                Parameter::text("subscription", "in these subscriptions")
                    .value_name("IDS")
                    .list()
                    .default("AZURE_SUBSCRIPTION_ID"),
            )
            .with(
                Parameter::text("resource-group", "only in these resource groups").value_name("NAMES").list(),
            )
            .with(
                Parameter::text(
                    "fault-domain",
                    "only targets in one fault domain (a rack): this domain, or `any`, drawn by the seed",
                )
                .value_name("DOMAIN"),
            )
            .with(
                Parameter::text("tag", "only groups with this tag; may be repeated")
                    .value_name("KEY=VALUE")
                    .repeated(),
            )
            .with(
                Parameter::text(
                    "zone",
                    "only targets in one availability zone: this zone, or `any`, drawn by the seed",
                )
                .value_name("ZONE"),
            )
            .with(
                Parameter::text(
                    "group",
                    "only this group, by id or by name; * and ? in a name are wildcards",
                )
                .value_name("NAME"),
            )
            .at_most_one_of(["fault-domain", "zone"])
    }

    async fn open(&self, settings: &Arguments) -> Result<Opened> {
        let availability_sets = told(AvailabilitySets::builder(), settings)?.build()?;
        let scale_sets = told(ScaleSets::builder(), settings)?.build()?;
        let providers: [Arc<dyn Provider>; 2] = [Arc::new(availability_sets), Arc::new(scale_sets)];
        Ok(Opened::all(providers).within(failure_domain(settings)?))
    }

    async fn open_for(&self, groups: &BTreeSet<GroupId>, _: &Arguments) -> Result<Vec<Arc<dyn Provider>>> {
        let [availability_sets, scale_sets] = SCHEMES.map(|scheme| {
            let own = groups.iter().filter(|group| group.scheme() == scheme);
            let subscriptions = own.filter_map(|group| group.path().split('/').next().map(str::to_owned));
            subscriptions.collect::<BTreeSet<String>>()
        });
        let mut opened: Vec<Arc<dyn Provider>> = Vec::new();
        if !availability_sets.is_empty() {
            let builder = AvailabilitySets::builder().subscriptions(availability_sets);
            opened.push(Arc::new(builder.endpoint_of_environment().build()?));
        }
        if !scale_sets.is_empty() {
            let builder = ScaleSets::builder().subscriptions(scale_sets);
            opened.push(Arc::new(builder.endpoint_of_environment().build()?));
        }
        Ok(opened)
    }
}

fn told<P>(builder: AzureBuilder<P>, settings: &Arguments) -> Result<AzureBuilder<P>> {
    let mut builder = builder.endpoint_of_environment().subscriptions(settings.texts("subscription")?);
    for name in settings.texts("resource-group")? {
        builder = builder.resource_group(name);
    }
    for tag in settings.texts("tag")? {
        let (key, value) = tag
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| Error::invalid(settings.called("tag"), format!("{tag:?}"), "KEY=VALUE"))?;
        builder = builder.tag(key, value);
    }
    Ok(match settings.text("group")? {
        Some(group) if group.contains(['*', '?']) => builder.groups_like(group),
        Some(group) => builder.group(group),
        None => builder,
    })
}

/// The failure domain that all targets must be in.
fn failure_domain(settings: &Arguments) -> Result<Option<FailureDomain>> {
    let (label, wanted) = match (settings.text("fault-domain")?, settings.text("zone")?) {
        (Some(domain), _) => (FAULT_DOMAIN_LABEL, domain),
        (None, Some(zone)) => (AVAILABILITY_ZONE_LABEL, zone),
        (None, None) => return Ok(None),
    };
    let domains = FailureDomain::by_label(label);
    Ok(Some(if wanted == "any" { domains } else { domains.named(wanted.to_owned()) }))
}
