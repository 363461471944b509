//! A program without the SDK of AWS, which takes minutes to build.

use std::sync::Arc;

use chaos_core::Error;

use super::{Notifier, NotifyArguments};
use crate::{drill::provider::ProviderArguments, program::ProgramError};

pub(in super::super) async fn notifiers(
    arguments: &NotifyArguments,
    _: &ProviderArguments,
) -> Result<Vec<Arc<dyn Notifier>>, ProgramError> {
    let Some(given) = arguments.given().into_iter().next() else { return Ok(Vec::new()) };
    let expected = "none, because this program was built without the feature aws";
    let error = Error::invalid(given.name, given.value.unwrap_or_else(|| "given".to_owned()), expected);
    Err(ProgramError::from(error)
        .hint("`cargo run --package chaos-cli --features aws,azure --bin drill` builds one with both"))
}
