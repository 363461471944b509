use chaos_core::{
    Registry, Result,
    catalogue::{Arguments, EventSpec, FromArguments},
};

use super::{AwaitReplacement, Terminate};

impl FromArguments for Terminate {
    fn spec() -> EventSpec {
        EventSpec::new("terminate", "Kill the target; its group replaces it")
    }

    fn from_arguments(_: &Arguments) -> Result<Self> {
        Ok(Self::default())
    }

    fn recoveries() -> Registry {
        Registry::default().register::<AwaitReplacement>()
    }
}
