use super::{FailureDomain, Percent, Quota};
use crate::Result;

/// How much may be broken at once.
///
/// Starts as small as it can be: one target per group, one per run and over the whole journal, and at least half of each group
/// left healthy.
///
/// ```
/// use chaos_core::{BlastRadius, Percent, Quota};
///
/// // One of each group, all groups at once, and two thirds of each left healthy.
/// let nightly = BlastRadius::default()
///     .targets_per_group(1)
///     .targets_per_run(Quota::ALL)
///     .min_healthy(Percent(66));
/// # let _ = nightly;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlastRadius {
    targets_per_group: Quota,
    targets_per_run: Quota,
    min_healthy: Quota,
    /// None: as many as one run may choose.
    max_active: Option<usize>,
    domain: Option<FailureDomain>,
}

impl BlastRadius {
    /// The most targets of one group that are under a fault at once, faults of other runs and other monkeys over the same
    /// journal included. A percentage is of the group's size, desired or present, whichever is smaller, rounded down.
    /// Default 1.
    #[must_use]
    pub fn targets_per_group(mut self, quota: impl Into<Quota>) -> Self {
        self.targets_per_group = quota.into();
        self
    }

    /// The most targets that one run chooses. A percentage is of all members that were looked at, rounded down. Default 1.
    #[must_use]
    pub fn targets_per_run(mut self, quota: impl Into<Quota>) -> Self {
        self.targets_per_run = quota.into();
        self
    }

    /// The fewest members of a group that stay healthy and without a fault. A percentage is of the group's size, desired
    /// or present, whichever is larger, rounded up. Default 50 %.
    #[must_use]
    pub fn min_healthy(mut self, quota: impl Into<Quota>) -> Self {
        self.min_healthy = quota.into();
        self
    }

    /// The most faults that are active at once over the whole journal, whoever injected them. Default: as many as one run may
    /// choose.
    #[must_use]
    pub fn max_active(mut self, faults: usize) -> Self {
        self.max_active = Some(faults);
        self
    }

    /// Keeps every victim of a run within one failure domain, over all groups: the drill of a zone that fails. Default: anywhere.
    ///
    /// Never all domains of a group: a group is left alone unless another of its domains stays, in which a member is healthy and none
    /// is under a fault, of this monkey or of another over the same journal. So is a member that does not tell its domain. How many
    /// targets it is within the domain, [`targets_per_group`](BlastRadius::targets_per_group) and the others say as ever.
    #[must_use]
    pub fn within(mut self, domain: impl Into<FailureDomain>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        if let Some(domain) = &self.domain {
            domain.check()?;
        }
        self.targets_per_group.check("targets_per_group")?;
        self.targets_per_run.check("targets_per_run")?;
        self.min_healthy.check("min_healthy")
    }

    pub(crate) fn group_limit(&self, desired: usize, present: usize) -> usize {
        self.targets_per_group.at_most(desired.min(present))
    }

    /// None while the limit is a percentage of a number that is not known yet.
    pub(crate) fn run_limit(&self, present: Option<usize>) -> Option<usize> {
        match present {
            Some(present) => Some(self.targets_per_run.at_most(present)),
            None => self.targets_per_run.count(),
        }
    }

    pub(crate) fn healthy_floor(&self, desired: usize, present: usize) -> usize {
        self.min_healthy.at_least(desired.max(present))
    }

    pub(crate) fn domain(&self) -> Option<&FailureDomain> {
        self.domain.as_ref()
    }

    /// None as for [`run_limit`](BlastRadius::run_limit).
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
