use chaos_core::clock::Clock;
use serde_json::Value;

use crate::{
    experiment::ProcessProvider,
    runner::{
        surroundings::Surroundings,
        trouble::{Trouble, TroubleKind},
    },
    substitution::Names,
};

/// Stands in for processes on systems without process groups.
#[derive(Debug, Default)]
pub(in crate::runner) struct Processes {}

impl Processes {
    #[expect(clippy::unused_async, reason = "elsewhere, this waits for a process")]
    pub(in crate::runner) async fn run(
        &self,
        _provider: &ProcessProvider,
        names: &Names,
        _surroundings: &Surroundings,
        _clock: &dyn Clock,
    ) -> Result<Value, Trouble> {
        Err(Trouble::new(TroubleKind::Refused, "processes are for Unix only", names))
    }

    #[expect(clippy::unused_async, reason = "elsewhere, this waits for processes")]
    pub(in crate::runner) async fn end_all(&self, _clock: &dyn Clock) {}
}
