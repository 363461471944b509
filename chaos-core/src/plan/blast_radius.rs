use super::{FailureDomain, Percent, Quota};
use crate::error::{Error, Result};

/// How much may be broken at once.
///
/// The default is as small as possible: one target per group, one per run and over the whole journal, and at least half
/// of each group left healthy.
///
/// In settings it is a map, and in text a list, of the names and values that [`parameters`](BlastRadius::parameters)
/// describes: `"targets-per-group=2, min-healthy=66%".parse()`.
///
/// ```
/// use chaos_core::{BlastRadius, Quota, plan::Percent};
///
/// // One of each group, all groups at once, and two thirds of each left healthy.
/// let nightly = BlastRadius::default()
///     .targets_per_group(1)
///     .targets_per_run(Quota::ALL)
///     .min_healthy(Percent(66));
/// assert_eq!("targets-per-run=100%, min-healthy=66%".parse::<BlastRadius>()?, nightly);
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlastRadius {
    pub(super) targets_per_group: Quota,
    pub(super) targets_per_run: Quota,
    pub(super) min_healthy: Quota,
    /// `None` means as many as one run may choose.
    pub(super) max_active: Option<usize>,
    pub(super) domain: Option<FailureDomain>,
}

impl BlastRadius {
    /// The most targets of one group that are under a fault at once, including the faults of other runs and other
    /// monkeys over the same journal. A percentage is of the group's size, desired or in service, whichever is smaller,
    /// rounded down. If the members of a group have weights, it is of its capacity. At least 1, or 1 %. Default: 1.
    #[must_use]
    pub fn targets_per_group(mut self, quota: impl Into<Quota>) -> Self {
        self.targets_per_group = quota.into();
        self
    }

    /// The most targets that one run chooses. A percentage is of all members in service that were looked at, regardless
    /// of their weights, rounded down. At least 1, or 1 %. Default: 1.
    #[must_use]
    pub fn targets_per_run(mut self, quota: impl Into<Quota>) -> Self {
        self.targets_per_run = quota.into();
        self
    }

    /// The fewest members of a group that stay healthy and without a fault. A percentage is of the group's size,
    /// desired or in service, whichever is larger, rounded up. If the members of a group have weights, it is of its
    /// capacity. With 0, even the last member may be hit. Default: 50 %.
    #[must_use]
    pub fn min_healthy(mut self, quota: impl Into<Quota>) -> Self {
        self.min_healthy = quota.into();
        self
    }

    /// The most faults that are active at once over the whole journal, including those of other monkeys. At least 1.
    /// Default: as many as one run may choose.
    #[must_use]
    pub fn max_active(mut self, faults: usize) -> Self {
        self.max_active = Some(faults);
        self
    }

    /// Keeps every victim of a run within one failure domain, over all groups, as in a drill for the failure of a zone.
    /// Default: no restriction.
    ///
    /// A run never hits all domains of a group: a group is left alone unless another of its domains has a healthy
    /// member and no fault, neither of this monkey nor of another over the same journal. A member without a domain is
    /// left alone too. [`targets_per_group`](BlastRadius::targets_per_group) and the other limits apply within the
    /// domain as usual.
    #[must_use]
    pub fn within(mut self, domain: impl Into<FailureDomain>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        if let Some(domain) = &self.domain {
            domain.check()?;
        }
        self.targets_per_group.check_limit("targets_per_group")?;
        self.targets_per_run.check_limit("targets_per_run")?;
        if self.max_active == Some(0) {
            return Err(Error::invalid("max_active", 0, "a limit of at least 1"));
        }
        self.min_healthy.check("min_healthy")
    }

    /// Checks that the limit of a run suits runs in a single group.
    ///
    /// # Errors
    /// `InvalidInput` for a share, which of one group may be nobody for ever.
    pub(crate) fn check_for_single_groups(&self) -> Result<()> {
        if !self.targets_per_run.is_part() {
            return Ok(());
        }
        let expected = "a number or 100%, because each due is a run in one group";
        Err(Error::invalid("targets_per_run", self.targets_per_run, expected))
    }

    pub(crate) fn per_group(&self) -> Quota {
        self.targets_per_group
    }

    /// Whether the limit per group is a share. If so, weights count.
    pub(crate) fn limits_capacity(&self) -> bool {
        self.targets_per_group.count().is_none()
    }

    pub(crate) fn floor(&self) -> Quota {
        self.min_healthy
    }

    /// `None` while the limit is a percentage of a number that is not known yet.
    pub(crate) fn run_limit(&self, present: Option<usize>) -> Option<usize> {
        match present {
            Some(present) => Some(self.targets_per_run.at_most(present)),
            None => self.targets_per_run.count(),
        }
    }

    /// The failure domain that all victims must be in.
    pub fn domain(&self) -> Option<&FailureDomain> {
        self.domain.as_ref()
    }

    /// `None` as for [`run_limit`](BlastRadius::run_limit).
    pub(crate) fn active_limit(&self, present: Option<usize>) -> Option<usize> {
        self.max_active.or_else(|| self.run_limit(present))
    }
}

impl Default for BlastRadius {
    fn default() -> Self {
        Self {
            targets_per_group: Quota::from(1),
            targets_per_run: Quota::from(1),
            min_healthy: Percent(50).into(),
            max_active: None,
            domain: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_of_nothing_is_refused_by_its_name() {
        let nothing = [
            ("targets_per_group", BlastRadius::default().targets_per_group(0)),
            ("targets_per_group", BlastRadius::default().targets_per_group(Percent(0))),
            ("targets_per_run", BlastRadius::default().targets_per_run(0)),
            ("max_active", BlastRadius::default().max_active(0)),
        ];
        for (field, blast_radius) in nothing {
            let error = blast_radius.check().unwrap_err();
            assert_eq!(error.kind(), crate::error::ErrorKind::InvalidInput);
            assert!(error.to_string().starts_with(&format!("invalid {field}: 0")), "{error}");
        }
        assert!(BlastRadius::default().min_healthy(0).check().is_ok(), "the only lamp may go out");
    }
}
