//! Whether the way back is open, asked without any effect.

use aws_sdk_ec2::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use chaos_core::{Capability, Error, ErrorKind, Result, Undo};

use crate::{
    credentials::Watched,
    error::{code, failed},
    isolation::InterfaceIsolation,
    reach::Reach,
};

/// Whether credentials last, and EC2 would let them bring this instance back.
///
/// Systems Manager and the Fault Injection Service know no dry run. What undoes a script is a script, so that the right
/// to send one is proven before the fault by those that measure; a security group of a fault does not exist yet.
pub(crate) async fn may_undo(reach: &Reach, credentials: Option<&Watched>, undo: &Undo) -> Result<()> {
    if let Some(credentials) = credentials {
        credentials.outlast(undo.within, reach.clock.now()).await?;
    }
    // What does not come up again after a reboot is started.
    if undo.requires.contains(Capability::Start) || undo.requires.contains(Capability::Reboot) {
        let call = reach.region.ec2().start_instances().instance_ids(&*reach.instance).dry_run(true);
        is_permitted("ec2:StartInstances", reach, call.send().await)?;
    }
    if undo.requires.contains(Capability::Isolation) {
        InterfaceIsolation::new(reach.clone()).may_put_back().await?;
    }
    Ok(())
}

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
