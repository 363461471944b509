use aws_sdk_ec2::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use chaos_core::{Error, ErrorKind, Result};

use crate::{
    error::{code, failed},
    reach::Reach,
};

/// What EC2 says to a call that is only asked for.
pub(crate) fn is_permitted<T, E>(
    action: &'static str,
    reach: &Reach,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<()>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let error = match answer {
        // It would have been done, or not for lack of permission: that an instance is gone meanwhile, looks tell
        // better.
        Err(error) if matches!(code(&error), Some("DryRunOperation" | "IncorrectInstanceState")) => {
            return Ok(());
        }
        Err(error) => failed(action, reach.region.name(), error),
        Ok(_) => {
            let what = "what was only asked for, as a dry run, was done: is this EC2, and not an emulator?";
            Error::new(ErrorKind::Other, what).with("action", action)
        }
    };
    Err(error.with("instance", &reach.instance))
}
