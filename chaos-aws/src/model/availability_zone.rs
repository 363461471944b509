use chaos_core::plan::FailureDomain;

/// The label of a target with its availability zone, such as `eu-west-1a`.
///
/// AWS allows no user's tag to start with `aws:`, so this label hides no tag.
pub const AVAILABILITY_ZONE_LABEL: &str = "aws:availability-zone";

/// Availability zones as failure domains, for a drill of the failure of a zone.
///
/// Zones are identified by their names, which may mean different zones in different accounts.
///
/// ```
/// use chaos_aws::AvailabilityZone;
/// use chaos_core::{BlastRadius, Quota, plan::Percent};
///
/// // All of one zone, in all groups at once; the seed draws the zone.
/// let drill = BlastRadius::default()
///     .within(AvailabilityZone::any())
///     .targets_per_group(Quota::ALL)
///     .targets_per_run(Quota::ALL)
///     .min_healthy(Percent(50));
/// let of_this = BlastRadius::default().within(AvailabilityZone::named("eu-west-1a"));
/// # let _ = (drill, of_this);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailabilityZone {
    name: Option<String>,
}

impl AvailabilityZone {
    /// One of the zones, drawn by the seed.
    pub fn any() -> Self {
        Self { name: None }
    }

    /// The zone with this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()) }
    }
}

impl From<AvailabilityZone> for FailureDomain {
    fn from(zone: AvailabilityZone) -> Self {
        let zones = Self::by_label(AVAILABILITY_ZONE_LABEL);
        match zone.name {
            Some(name) => zones.named(name),
            None => zones,
        }
    }
}
