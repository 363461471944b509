use aws_sdk_ec2::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use chaos_core::{Error, ErrorKind, Result};

use crate::{
    capability::reach::Reach,
    client::error::{code, failed},
};

/// The answer of EC2 to a dry run.
pub(crate) fn is_permitted<T, E>(
    action: &'static str,
    reach: &Reach,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<()>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let error = match answer {
        // It would have been carried out, or failed for a reason other than permissions; a look tells better whether an
        // instance is gone.
        Err(error) if matches!(code(&error), Some("DryRunOperation" | "IncorrectInstanceState")) => {
            return Ok(());
        }
        Err(error) => failed(action, reach.region.name(), error),
        Ok(_) => {
            let what = "a dry run was carried out for real: is this an emulator instead of EC2?";
            Error::new(ErrorKind::Other, what).with("action", action)
        }
    };
    Err(error.with("instance", &reach.instance))
}
