#[path = "way.rs"]
mod way;

use std::path::PathBuf;

use chaos_core::clock::Clock;
use serde_json::Value;

pub(super) use way::Way;

use crate::{
    experiment::PythonProvider,
    runner::{
        surroundings::Surroundings,
        trouble::{Trouble, TroubleKind},
    },
    substitution::Names,
};

/// Stands in for an interpreter on systems without process groups.
#[derive(Debug)]
pub(in crate::runner) struct Interpreter {}

impl Interpreter {
    pub(in crate::runner) fn of(_program: PathBuf) -> Self {
        Self {}
    }

    #[expect(clippy::unused_async, reason = "elsewhere, this waits for a process")]
    pub(in crate::runner) async fn call(
        &self,
        _python: &PythonProvider,
        names: &Names,
        way: Way<'_>,
        surroundings: &Surroundings,
        clock: &dyn Clock,
    ) -> Result<Value, Trouble> {
        self.order(Value::Null, names, way, surroundings, clock).await
    }

    #[expect(clippy::unused_async, reason = "elsewhere, this waits for a process")]
    pub(in crate::runner) async fn order(
        &self,
        _order: Value,
        names: &Names,
        _way: Way<'_>,
        _surroundings: &Surroundings,
        _clock: &dyn Clock,
    ) -> Result<Value, Trouble> {
        Err(Trouble::new(TroubleKind::Refused, "an interpreter of Python is for Unix only", names))
    }

    pub(in crate::runner) fn begin_with(&self, _order: Value) {}

    pub(in crate::runner) fn hold_log(&self) {}

    pub(in crate::runner) fn release_log(&self) {}

    pub(in crate::runner) fn learn(&self, _names: &Names) {}

    #[expect(clippy::unused_async, reason = "elsewhere, this waits for a process")]
    pub(in crate::runner) async fn end_calls(&self, _clock: &dyn Clock) {}

    #[expect(clippy::unused_async, reason = "elsewhere, this waits for a process")]
    pub(in crate::runner) async fn finish(&self, _clock: &dyn Clock) {}
}
