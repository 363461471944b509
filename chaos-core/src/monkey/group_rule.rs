use std::{sync::Arc, time::Duration};

use crate::{
    calendar::Calendar,
    error::{Error, Result},
    plan::Quota,
    provider::TargetPattern,
    steady_state::SteadyState,
};

/// What applies to some groups instead of what is said for the whole monkey.
///
/// [`MonkeyBuilder::group_rule`](super::MonkeyBuilder::group_rule) takes any number, in order: the first rule that fits
/// a group decides for it, alone. What that rule does not say is as for the whole monkey.
///
/// The limits over all groups, such as [`targets_per_run`](crate::plan::BlastRadius::targets_per_run), are those of the
/// whole monkey.
///
/// ```
/// use std::time::Duration;
/// use chaos_core::{
///     BusinessHours, Monkey,
///     monkey::GroupRule,
///     plan::Percent,
///     testing::{MemoryProvider, PowerOff},
/// };
///
/// let monkey = Monkey::builder()
///     .provider(MemoryProvider::default().with_group("shop", 6)?)
///     .event(PowerOff::default())
///     .group_rule(
///         GroupRule::matching("tag:team=shop".parse()?)
///             .or_matching("shop*".parse()?)
///             .events(["power-off"])
///             .min_healthy(Percent(80))
///             .cool_down(Duration::from_secs(3600))
///             .calendar(BusinessHours::new("Europe/London")?.hours(10, 12)),
///     )
///     .build()?;
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a rule does nothing until a monkey has it"]
pub struct GroupRule {
    pub(super) patterns: Vec<TargetPattern>,
    pub(super) mean: Option<f64>,
    pub(super) least: Option<u32>,
    pub(super) events: Option<Vec<String>>,
    pub(super) targets_per_group: Option<Quota>,
    pub(super) min_healthy: Option<Quota>,
    pub(super) cool_down: Option<Duration>,
    pub(super) calendar: Option<Arc<dyn Calendar>>,
    pub(super) steady_state: Option<SteadyState>,
}

impl GroupRule {
    /// A rule for the groups that the pattern fits, by id, path or tag. Tags of single members do not count.
    pub fn matching(pattern: TargetPattern) -> Self {
        Self {
            patterns: vec![pattern],
            mean: None,
            least: None,
            events: None,
            targets_per_group: None,
            min_healthy: None,
            cool_down: None,
            calendar: None,
            steady_state: None,
        }
    }

    /// Also for the groups that this pattern fits.
    pub fn or_matching(mut self, pattern: TargetPattern) -> Self {
        self.patterns.push(pattern);
        self
    }

    /// Sets how often a group is hit: once in so many open days on average. See
    /// [`Schedule`](crate::schedule::Schedule).
    ///
    /// # Errors
    /// `InvalidInput` unless it is a finite number of at least 1. A mean below the least is refused when the monkey is
    /// built.
    pub fn mean(mut self, days: f64) -> Result<Self> {
        if !(days.is_finite() && days >= 1.0) {
            return Err(Error::invalid("mean", days, "a number of open days from 1 on, such as 5"));
        }
        self.mean = Some(days);
        Ok(self)
    }

    /// Sets after how many open days a group may be hit again.
    ///
    /// # Errors
    /// `InvalidInput` for 0.
    pub fn least(mut self, days: u32) -> Result<Self> {
        if days == 0 {
            return Err(Error::invalid("least", days, "a number of open days from 1 to the mean"));
        }
        self.least = Some(days);
        Ok(self)
    }

    /// Sets the events to draw from, by name. They must be events of the monkey. An event that is
    /// [injected by hand](super::Monkey::inject) need not be among them.
    pub fn events(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.events = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the most targets of a group under a fault at once: see
    /// [`BlastRadius::targets_per_group`](crate::plan::BlastRadius::targets_per_group). A run still chooses no more
    /// targets than the whole monkey's [`targets_per_run`](crate::plan::BlastRadius::targets_per_run).
    pub fn targets_per_group(mut self, quota: impl Into<Quota>) -> Self {
        self.targets_per_group = Some(quota.into());
        self
    }

    /// Sets the fewest members of a group that stay healthy: see
    /// [`BlastRadius::min_healthy`](crate::plan::BlastRadius::min_healthy).
    pub fn min_healthy(mut self, quota: impl Into<Quota>) -> Self {
        self.min_healthy = Some(quota.into());
        self
    }

    /// Sets the cool-down: see [`MonkeyBuilder::cool_down`](super::MonkeyBuilder::cool_down).
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = Some(cool_down);
        self
    }

    /// Sets hours of the groups' own. Chaos is welcome in them while this calendar and that of the whole monkey are
    /// both open.
    pub fn calendar(mut self, calendar: impl Calendar) -> Self {
        self.calendar = Some(Arc::new(calendar));
        self
    }

    /// Sets what normal is for these groups, in addition to the steady state of the whole monkey: none of them is hit
    /// while its probes are not met, a violation ends the faults in them, and the report has a verdict of its own. The
    /// groups of one rule share it.
    pub fn steady_state(mut self, steady_state: SteadyState) -> Self {
        self.steady_state = Some(steady_state);
        self
    }

    /// How it is named in errors and plans: its patterns.
    pub(super) fn name(&self) -> String {
        self.patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}
