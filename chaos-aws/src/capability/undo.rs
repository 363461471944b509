//! Checks without any effect whether a recovery would be permitted.

use chaos_core::{Capability, Result, capability::Undo};

use crate::{
    capability::{isolation::InterfaceIsolation, permitted::is_permitted, reach::Reach},
    client::credentials::Watched,
};

/// Checks that the credentials last, and that EC2 would let them bring this instance back.
///
/// Systems Manager and the Fault Injection Service have no dry run. A script undoes a script, so the scripts that
/// measure before the fault prove the permission to send one. A security group of a fault does not exist yet.
pub(crate) async fn may_undo(reach: &Reach, credentials: Option<&Watched>, undo: &Undo) -> Result<()> {
    if let Some(credentials) = credentials {
        credentials.outlast(undo.within, reach.clock.now()).await?;
    }
    // An instance that does not come up after a reboot is started.
    if undo.requires.contains(Capability::Start) || undo.requires.contains(Capability::Reboot) {
        let call = reach.region.ec2().start_instances().instance_ids(&*reach.instance).dry_run(true);
        is_permitted("ec2:StartInstances", reach, call.send().await)?;
    }
    if undo.requires.contains(Capability::Isolation) {
        InterfaceIsolation::new(reach.clone()).may_put_back().await?;
    }
    Ok(())
}
