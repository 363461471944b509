use chaos_core::plan::FailureDomain;

/// The label of a target that holds its availability zone, as `eu-west-1a`.
///
/// AWS allows no tag of a user to start with `aws:`, so that it hides none.
pub const AVAILABILITY_ZONE_LABEL: &str = "aws:availability-zone";

/// The availability zones as failure domains: for the drill of a zone that fails.
///
/// Zones go by their names, which mean another zone in another account.
///
/// ```
/// use chaos_aws::AvailabilityZone;
/// use chaos_core::{BlastRadius, Quota, plan::Percent};
///
/// // Everything of one zone, in all groups at once; the seed draws which.
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
    /// One of the zones; the seed draws which.
    pub fn any() -> Self {
        Self { name: None }
    }

    /// The zone of this name.
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
