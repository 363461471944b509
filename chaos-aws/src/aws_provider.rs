use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use chaos_core::{
    Error, GroupId, Provider, Result,
    catalogue::{Arguments, OpenProvider, Opened, Parameter, ProviderSpec},
    provider::GroupFilter,
};

use crate::{
    auto_scaling::AutoScaling, builder::AutoScalingBuilder, model::availability_zone::AvailabilityZone,
};

/// Auto-scaling groups, for a [`ProviderCatalogue`](chaos_core::catalogue::ProviderCatalogue).
///
/// ```
/// use chaos_aws::AwsProvider;
/// use chaos_core::catalogue::ProviderCatalogue;
///
/// let catalogue = ProviderCatalogue::default().register(AwsProvider::default());
/// assert!(catalogue.knows("aws-asg"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AwsProvider {}

#[async_trait]
impl OpenProvider for AwsProvider {
    fn spec(&self) -> ProviderSpec {
        ProviderSpec::new("aws", ["aws-asg"], "Auto-scaling groups")
            .with(
                Parameter::text("region", "in these regions")
                    .value_name("REGIONS")
                    .list()
                    .default("AWS_REGION or the region of the profile"),
            )
            .with_identity(
                Parameter::text("profile", "use this profile of the shared configuration").value_name("NAME"),
            )
            .with_identity(Parameter::text("assume-role", "assume this role").value_name("ARN"))
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
    }

    async fn open(&self, settings: &Arguments) -> Result<Opened> {
        let regions = settings.texts("region")?;
        let mut builder = identified(AutoScaling::builder().regions(regions.iter().copied()), settings)?;
        for tag in settings.texts("tag")? {
            let (key, value) = tag
                .split_once('=')
                .filter(|(key, _)| !key.is_empty())
                .ok_or_else(|| Error::invalid(settings.called("tag"), format!("{tag:?}"), "KEY=VALUE"))?;
            builder = builder.tag(key, value);
        }
        let mut filter = GroupFilter::all();
        // An id holds the account and the region as well; a name may hold wildcards.
        if let Some(group) = settings.text("group")? {
            builder = match group.strip_prefix("aws-asg:").and_then(|path| path.split('/').nth(1)) {
                Some(region) => {
                    if let Some(other) = regions.iter().find(|other| **other != region) {
                        let expected = format!("{region}, the region of the group");
                        return Err(Error::invalid(settings.called("region"), other, expected));
                    }
                    filter = filter.name(group);
                    builder.region(region)
                }
                None if group.contains(['*', '?']) => builder.groups_like(group),
                None => builder.group(group),
            };
        }
        let zone = settings.text("zone")?.map(|zone| match zone {
            "any" => AvailabilityZone::any(),
            name => AvailabilityZone::named(name),
        });
        let groups: Arc<dyn Provider> = Arc::new(builder.build().await?);
        Ok(Opened::all([groups]).only(filter).within(zone.map(Into::into)))
    }

    async fn open_for(
        &self,
        groups: &BTreeSet<GroupId>,
        settings: &Arguments,
    ) -> Result<Vec<Arc<dyn Provider>>> {
        // After the account.
        let regions = groups.iter().filter_map(|group| group.path().split('/').nth(1));
        let regions: BTreeSet<String> = regions.map(str::to_owned).collect();
        let builder = identified(AutoScaling::builder().regions(regions), settings)?;
        Ok(vec![Arc::new(builder.build().await?)])
    }
}

/// Applies the identity settings.
fn identified(mut builder: AutoScalingBuilder, settings: &Arguments) -> Result<AutoScalingBuilder> {
    if let Some(profile) = settings.text("profile")? {
        builder = builder.profile(profile);
    }
    if let Some(role) = settings.text("assume-role")? {
        builder = builder.assume_role(role);
    }
    Ok(builder)
}
