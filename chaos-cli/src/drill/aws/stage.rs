use std::sync::Arc;

use chaos_aws::{AutoScaling, AvailabilityZone};
use chaos_core::{Error, plan::FailureDomain, provider::GroupFilter};

use super::AwsArguments;
use crate::{
    drill::cloud::{Cloud, CloudArguments},
    program::ProgramError,
};

/// The groups that the arguments are about.
pub(in super::super) async fn auto_scaling_groups(
    arguments: &AwsArguments,
    cloud: &CloudArguments,
    group: Option<&str>,
) -> Result<Cloud, ProgramError> {
    let mut builder = AutoScaling::builder().regions(&arguments.region);
    if let Some(profile) = &arguments.profile {
        builder = builder.profile(profile);
    }
    if let Some(role) = &arguments.assume_role {
        builder = builder.assume_role(role);
    }
    for tag in &cloud.tag {
        builder = builder.tag(&tag.key, &tag.value);
    }
    let mut filter = GroupFilter::all();
    // An id holds the account and the region as well; a name may hold wildcards.
    if let Some(group) = group {
        builder = match group.strip_prefix("aws-asg:").and_then(|path| path.split('/').nth(1)) {
            Some(region) => {
                if let Some(other) = arguments.region.iter().find(|other| *other != region) {
                    let expected = format!("{region}, where the group is");
                    return Err(Error::invalid("--region", other, expected).into());
                }
                filter = filter.name(group);
                builder.region(region)
            }
            None if group.contains(['*', '?']) => builder.groups_like(group),
            None => builder.group(group),
        };
    }
    Ok(Cloud { providers: vec![Arc::new(builder.build().await?)], filter })
}

/// Where all victims must be.
pub(in super::super) fn failure_domain(cloud: &CloudArguments) -> Option<FailureDomain> {
    let zone = match cloud.zone.as_deref()? {
        "any" => AvailabilityZone::any(),
        name => AvailabilityZone::named(name),
    };
    Some(zone.into())
}
