use async_trait::async_trait;
use chaos_core::{Capability, CapabilitySet, ChaosEvent, Group, Hold, Prepared, Result, Scope};

use crate::terminate::await_replacement::AwaitReplacement;

/// Ends a target for good, as abruptly as its platform can.
///
/// It works only in groups that replace their members, because a termination cannot be undone. Its recovery,
/// [`AwaitReplacement`], watches the group heal and measures the time.
///
/// ```
/// use chaos_core::{MemoryJournal, Monkey, Outcome, testing::MemoryProvider};
/// use chaos_events::Terminate;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> chaos_core::Result<()> {
/// let monkey = Monkey::builder()
///     .provider(MemoryProvider::default().with_group("web", 5)?)
///     .event(Terminate::default())
///     .unleash(MemoryJournal::new(), chaos_events::registry())
///     .build()?;
/// let report = monkey.run_once().await?;
/// assert_eq!(report.outcome(), Outcome::Completed);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminate {
    anywhere: bool,
}

impl Terminate {
    /// Allows groups that do not replace their members. There, the fault counts as over when the target is gone:
    /// nothing brings it back.
    #[must_use]
    pub fn even_without_replacement(mut self) -> Self {
        self.anywhere = true;
        self
    }
}

#[async_trait]
impl ChaosEvent for Terminate {
    fn name(&self) -> &'static str {
        "terminate"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Terminate])
    }

    fn hold(&self) -> Hold {
        Hold::MOMENTARY
    }

    fn suits(&self, group: &Group) -> Result<(), String> {
        if group.replaces_members || self.anywhere {
            Ok(())
        } else {
            Err("the group does not replace its members, and a termination cannot be undone; allow it with \
                `even_without_replacement`, or declare that the group replaces its members"
                .to_owned())
        }
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let lifecycle = scope.target().capabilities().lifecycle()?.clone();
        let recovery = AwaitReplacement::of(scope.group(), scope.target_id());
        Ok(Prepared::new(recovery, |permit| {
            Box::pin(async move { permit.in_time(lifecycle.terminate(permit)).await? })
        }))
    }
}
