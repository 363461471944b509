use crate::{group::Group, plan::Reason};

/// A group whose members are being replaced or updated is left alone.
pub(crate) fn not_deploying(group: &Group) -> Result<(), Reason> {
    match &group.deployment {
        Some(deployment) => Err(Reason::deployment_in_progress(&**deployment)),
        None => Ok(()),
    }
}
