use std::sync::Arc;

use chaos_core::{CapabilitySet, ChaosEvent, Hold, Prepared, Result, Scope, async_trait};

use super::{method::carry_out_method, rollbacks::Rollbacks, state::State};

/// The method of an experiment, as an event: its injection carries the method out, and its recovery plays the
/// rollbacks.
#[derive(Debug)]
pub(crate) struct Method(pub(crate) Arc<State>);

#[async_trait]
impl ChaosEvent for Method {
    fn name(&self) -> &'static str {
        "experiment"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        let of_experiment = self.0.experiment.deadline;
        self.0.options.deadline.or(of_experiment).unwrap_or(Hold::UP_TO_AN_HOUR)
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let state = Arc::clone(&self.0);
        let rollbacks = Rollbacks::of(&state)?;
        scope.see_effect();
        Ok(Prepared::new(rollbacks, |permit| Box::pin(carry_out_method(state, permit))).uncounted())
    }
}
