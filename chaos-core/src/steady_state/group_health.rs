use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::{Probe, Reading};
use crate::{clock::Clock, error::Result, group::GroupId, provider::Provider};

/// How many members of a group are healthy, or which share of its desired size, by its provider.
///
/// ```
/// use chaos_core::{
///     Provider, SteadyState,
///     group::GroupId, steady_state::{GroupHealth, Phase}, testing::MemoryProvider,
/// };
///
/// let fleet = MemoryProvider::default().with_group("web", 5)?;
/// let web: GroupId = "memory:web".parse()?;
/// let steady = SteadyState::new("If one machine is off, then it comes back")
///     .probe_in([Phase::Before, Phase::After], "all are healthy", GroupHealth::count(fleet.clone(), web.clone()), 5)
///     .probe("most are healthy", GroupHealth::share(fleet, web), 0.8..);
/// # drop(steady);
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GroupHealth {
    provider: Arc<dyn Provider>,
    group: GroupId,
    is_share: bool,
}

impl GroupHealth {
    /// The number of healthy members; if they have weights, their capacity.
    pub fn count(provider: impl Provider, group: GroupId) -> Self {
        Self { provider: Arc::new(provider), group, is_share: false }
    }

    /// The number of healthy members, or their capacity, divided by the group's desired size; 0 for a group that should
    /// be empty.
    pub fn share(provider: impl Provider, group: GroupId) -> Self {
        Self { provider: Arc::new(provider), group, is_share: true }
    }
}

impl fmt::Display for GroupHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = if self.is_share { "share of healthy members" } else { "healthy members" };
        write!(f, "{of} of {}", self.group)
    }
}

#[async_trait]
impl Probe for GroupHealth {
    async fn look(&self, _clock: &dyn Clock) -> Result<Reading> {
        let group = self.provider.group(&self.group).await?;
        let healthy = group.healthy();
        if !self.is_share {
            return Ok(healthy.into());
        }
        #[expect(clippy::cast_precision_loss, reason = "the sizes of groups are far below 2^53")]
        let share = if group.desired == 0 { 0.0 } else { healthy as f64 / group.desired as f64 };
        Ok(share.into())
    }
}
