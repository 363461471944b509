//! Whether the way back is open, asked without any effect.

use chaos_core::{Capability, Result, capability::Undo};

use crate::{credentials::Watched, isolation::InterfaceIsolation, permitted::is_permitted, reach::Reach};

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
