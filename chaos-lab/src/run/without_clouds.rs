//! Without a cloud, no function injects anything.

use serde_json::Value;

use super::state::State;
use crate::{
    experiment::PythonProvider,
    functions::Function,
    runner::{Trouble, TroubleKind},
};

impl State {
    #[expect(clippy::unused_async, reason = "with a cloud, it injects")]
    pub(crate) async fn inject_by(
        &self,
        function: &'static Function,
        _: &PythonProvider,
    ) -> Result<Value, Trouble> {
        let what = format!("{} was built without the feature for that cloud", function.full_name());
        Err(Trouble::new(TroubleKind::Refused, what, &self.names()))
    }
}
