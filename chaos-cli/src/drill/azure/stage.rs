use std::sync::Arc;

use chaos_azure::{AVAILABILITY_ZONE_LABEL, AvailabilitySets, AzureBuilder, FAULT_DOMAIN_LABEL, ScaleSets};
use chaos_core::{Provider, plan::FailureDomain, provider::GroupFilter};

use super::AzureArguments;
use crate::{
    azure::at_endpoint,
    drill::cloud::{Cloud, CloudArguments},
    program::ProgramError,
};

/// The availability sets and the scale sets that the arguments are about.
pub(in super::super) fn sets(
    arguments: &AzureArguments,
    cloud: &CloudArguments,
    group: Option<&str>,
) -> Result<Cloud, ProgramError> {
    let availability_sets = told(AvailabilitySets::builder(), arguments, cloud, group).build()?;
    let scale_sets = told(ScaleSets::builder(), arguments, cloud, group).build()?;
    let providers: Vec<Arc<dyn Provider>> = vec![Arc::new(availability_sets), Arc::new(scale_sets)];
    Ok(Cloud { providers, filter: GroupFilter::all() })
}

fn told<P>(
    builder: AzureBuilder<P>,
    arguments: &AzureArguments,
    cloud: &CloudArguments,
    group: Option<&str>,
) -> AzureBuilder<P> {
    let mut builder = at_endpoint(builder).subscriptions(&arguments.subscription);
    for name in &arguments.resource_group {
        builder = builder.resource_group(name);
    }
    for tag in &cloud.tag {
        builder = builder.tag(&tag.key, &tag.value);
    }
    match group {
        Some(group) if group.contains(['*', '?']) => builder.groups_like(group),
        Some(group) => builder.group(group),
        None => builder,
    }
}

/// Where all victims must be.
pub(in super::super) fn failure_domain(
    arguments: &AzureArguments,
    cloud: &CloudArguments,
) -> Option<FailureDomain> {
    let (label, wanted) = match (&arguments.fault_domain, &cloud.zone) {
        (Some(domain), _) => (FAULT_DOMAIN_LABEL, domain),
        (None, Some(zone)) => (AVAILABILITY_ZONE_LABEL, zone),
        (None, None) => return None,
    };
    let domains = FailureDomain::by_label(label);
    Some(if wanted == "any" { domains } else { domains.named(wanted.clone()) })
}
